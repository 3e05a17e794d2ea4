/** Names that must be answered for the lists to be fetched: a list that blocked one would cut itself and others off. */

/** As the configuration has them; where their servers redirect to is known later (redirect-hosts.ts). */
export function listSourceHostsOf(
  lists: readonly { readonly source: string; readonly sourceKind: string; readonly proxy?: string }[],
): string[] {
  const hosts = new Set<string>();
  for (const { source, sourceKind, proxy = '' } of lists) {
    if (sourceKind !== 'https' && sourceKind !== 'feed') continue;
    // Why without feed+: of a scheme that it does not know, a URL keeps upper case and other scripts as they are.
    for (const url of [source.replace(/^feed\+/i, ''), proxy]) {
      const host = nameHostOf(URL.parse(url)?.hostname ?? '');
      if (host !== undefined) hosts.add(host);
    }
  }
  return [...hosts];
}

/** The host of a URL where it is a name: of addresses there is nothing to block. */
export function nameHostOf(hostname: string): string | undefined {
  const host = hostname.replace(/\.$/, '');
  return /[a-z]/.test(host) && !host.startsWith('[') ? host : undefined;
}
