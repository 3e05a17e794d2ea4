/**
 * Hosts where the path, not the name, says whose a page is. An abuse report about one page of theirs says nothing about
 * the rest, so neither a URL with a path there nor the host itself becomes a block without a second look.
 */

const PATH_HOSTS: ReadonlySet<string> = new Set<string>([]);

export function isPathHost(name: string): boolean {
  return PATH_HOSTS.has(name);
}
