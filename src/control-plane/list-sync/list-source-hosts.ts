/** Names that must be answered for the lists to be fetched: a list that blocked one would cut itself and others off. */

/** Of addresses there is nothing to block. Where redirects lead is not known before they are followed. */
export function listSourceHostsOf(
  lists: readonly { readonly source: string; readonly sourceKind: string; readonly proxy?: string }[],
): string[] {
  const hosts = new Set<string>();
  for (const { source, sourceKind, proxy = '' } of lists) {
    if (sourceKind !== 'https' && sourceKind !== 'feed') continue;
    // Why without feed+: of a scheme that it does not know, a URL keeps upper case and other scripts as they are.
    for (const url of [source.replace(/^feed\+/i, ''), proxy]) {
      const host = URL.parse(url)?.hostname.replace(/\.$/, '') ?? '';
      if (/[a-z]/.test(host) && !host.startsWith('[')) hosts.add(host);
    }
  }
  return [...hosts];
}
