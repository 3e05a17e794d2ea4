/**
 * The names that the guard knows, read from the operator's files, and the guard made of them. Runs in the compile
 * thread; made again when a file or the set of list sources changes. Without a file that is configured there is no
 * guard, and without a guard nothing is compiled: what is in force stays.
 */
import type { Config } from '../../config/config.ts';
import { readListFile } from './format/read-list-file.ts';
import { createGuard } from './guard/create-guard.ts';
import type { Guard } from './guard/guard.ts';
import { listSourceHostsOf } from './list-source-hosts.ts';

/** Plain data: crosses threads. */
export interface GuardFiles {
  /** Changes whenever one of the files did; the guard is made anew then. */
  readonly key: number;
  readonly protected: readonly string[];
  readonly popular: readonly string[];
  readonly sharedHosts: readonly string[];
  readonly listSourceHosts: readonly string[];
}

export type GuardOutcome =
  | {
      readonly kind: 'guard';
      readonly guard: Guard;
      readonly protectedNames: readonly string[];
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'unreadable'; readonly message: string };

/** `redirectHosts`: where the servers of lists have redirected to. */
export function guardFilesOf(
  config: Pick<Config, 'protected' | 'popular' | 'sharedHosts' | 'lists'>,
  key: number,
  redirectHosts: readonly string[],
): GuardFiles {
  const { protected: protectedFiles, popular, sharedHosts, lists } = config;
  const listSourceHosts = [...new Set([...listSourceHostsOf(lists), ...redirectHosts])];
  return { key, protected: protectedFiles, popular, sharedHosts, listSourceHosts };
}

/** Reads every file and makes the guard; names that a list's configuration approves are not its business. */
export async function loadGuard(files: GuardFiles): Promise<GuardOutcome> {
  const warnings: string[] = [];
  const names: { protected: string[]; popular: string[]; sharedHosts: string[] } = {
    protected: [],
    popular: [],
    sharedHosts: [],
  };
  for (const role of ['protected', 'popular', 'sharedHosts'] as const) {
    for (const path of files[role]) {
      const found = names[role];
      const outcome = await readListFile(
        path,
        // Why no empty file: a write that was cut off leaves one, and would let go of every name that is held. A file
        // that is meant to name nothing says so in a comment.
        { format: 'auto', allowEmpty: false },
        {
          entry: (entry) => found.push(entry.name),
          skipped: (reason, lineNumber, text) => {
            if (warnings.length < WARNINGS_MAX) warnings.push(`${path}:${lineNumber}: ${reason}: ${text.slice(0, 80)}`);
          },
        },
      );
      if (outcome.kind === 'refused') {
        return { kind: 'unreadable', message: `the ${role} names in ${path} cannot be used: ${outcome.message}` };
      }
    }
  }
  const guard = createGuard({
    protectedNames: names.protected,
    popularNames: names.popular,
    sharedHosts: names.sharedHosts,
    approved: [],
    listSourceHosts: files.listSourceHosts,
  });
  return { kind: 'guard', guard, protectedNames: names.protected, warnings };
}

const WARNINGS_MAX = 10;
