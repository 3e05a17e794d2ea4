/** Hosts that the lists are fetched from. */
export function listSourceHostsOf(lists: readonly { source: string; sourceKind: string }[]): string[] {
  const hosts = new Set<string>();
  for (const list of lists) {
    const host = list.sourceKind === 'file' ? undefined : URL.parse(list.source)?.hostname;
    if (host !== undefined && /[a-z]/.test(host) && !host.startsWith('[')) hosts.add(host);
  }
  return [...hosts];
}
