/**
 * Files that are just names: allow, protected, popular and shared-host lists. They may be in any list format; order is
 * kept (a rank list's order is its meaning). Exceptions in them are ignored.
 */
import { readListFile } from './read-list-file.ts';
import type { ReadReport } from './read-report.ts';

export type NamesOutcome =
  | { readonly kind: 'read'; readonly names: readonly string[]; readonly report: ReadReport }
  | { readonly kind: 'refused'; readonly message: string };

/** The names of a file, in its order. An empty file has none. Errors: none; refused with a sentence for people. */
export async function readNames(path: string): Promise<NamesOutcome> {
  const names: string[] = [];
  const outcome = await readListFile(
    path,
    { format: 'auto', allowEmpty: true },
    {
      entry(entry) {
        if (entry.kind === 'block') names.push(entry.name);
      },
    },
  );
  if (outcome.kind === 'refused') return { kind: 'refused', message: outcome.message };
  return { kind: 'read', names, report: outcome.report };
}
