/**
 * Everything beside the lists' own contents that a compiled index depends on, as one fingerprint: a snapshot of another
 * fingerprint is of no use. What a list itself said last is compared list by list, by its source (list-task.ts).
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/config.ts';
import { fileIdentity } from './file-identity.ts';

/** Grows when parsing, guarding or compiling changes what an index of the same inputs holds. */
const COMPILER_REVISION = 2;

export type PolicyConfig = Pick<Config, 'lists' | 'allow' | 'protected' | 'popular' | 'sharedHosts'>;

/** Identities of the files that the policy depends on; taken before they are read, so that a change meanwhile shows. */
export type FileIdentities = ReadonlyMap<string, string>;

export async function identitiesOf(config: PolicyConfig): Promise<FileIdentities> {
  const paths = new Set([...config.allow, ...config.protected, ...config.popular, ...config.sharedHosts]);
  const publicSuffixes = fileURLToPath(import.meta.resolve('tldts'));
  const identities = new Map<string, string>();
  for (const path of [...paths, publicSuffixes]) identities.set(path, await fileIdentity(path));
  return identities;
}

/** Units: hexadecimal. Of Weir's version, the settings of each list, the files beside them, and hosts of redirects. */
export function fingerprintOf(
  config: PolicyConfig & { readonly redirectHosts?: readonly string[] },
  identities: FileIdentities,
  version: string,
): string {
  const { allow, protected: protectedFiles, popular, sharedHosts, redirectHosts } = config;
  const lists = config.lists.map((list) => {
    const { name, source, sourceKind, format, category, mode, action, approved, badLinesPercentMax, bytesMax } = list;
    return { name, source, sourceKind, format, category, mode, action, approved, badLinesPercentMax, bytesMax };
  });
  const files = [...identities].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const inputs = {
    COMPILER_REVISION,
    version,
    lists,
    allow,
    protectedFiles,
    popular,
    sharedHosts,
    redirectHosts,
    files,
  };
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

/** Files that the guard is made of. */
export function guardPaths(config: PolicyConfig): string[] {
  return [...config.protected, ...config.popular, ...config.sharedHosts];
}

/** What the names of shared hosts are, as something to compare. */
export function sharedHostsOf({ sharedHosts }: PolicyConfig, identities: FileIdentities): string {
  return JSON.stringify(sharedHosts.map((path) => [path, identities.get(path)]));
}

/** Files that a policy depends on beside its lists. */
export function watchedPaths(config: PolicyConfig): string[] {
  return [...new Set([...config.allow, ...guardPaths(config)])];
}
