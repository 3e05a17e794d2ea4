/**
 * The names that a resolver answers itself and asks no upstream for, with what it says of each: the table behind
 * special-use.ts. To add a name, add a line; each group has its switch in the configuration (`specialUse`).
 */

/**
 * `nameError`: NXDOMAIN for the name and all below. `designation`: no such type, for the name and all
 * below, but for the records that announce encrypted listeners. `loopback`: the
 * loopback addresses, NODATA for other types. `emptyZone`: a zone of its SOA and NS records alone. `canary`: NXDOMAIN
 * for exactly this name.
 */
export type SpecialUseKind = 'nameError' | 'designation' | 'loopback' | 'emptyZone' | 'canary';

export type SpecialUseGroup =
  'reservedNames' | 'privateReverseZones' | 'resolverArpa' | 'firefoxCanary' | 'applePrivateRelay';

export interface SpecialUseName {
  readonly name: string;
  readonly kind: SpecialUseKind;
  readonly group: SpecialUseGroup;
}

/** The IANA registry "Locally-Served DNS Zones": RFC 6303 4.2 to 4.6, RFC 7793 for 100.64.0.0/10. */
const REVERSE_ZONES: readonly string[] = [
  '0.in-addr.arpa',
  '10.in-addr.arpa',
  '127.in-addr.arpa',
  '254.169.in-addr.arpa',
  ...numbered(16, 31, '172.in-addr.arpa'),
  '168.192.in-addr.arpa',
  '2.0.192.in-addr.arpa',
  '100.51.198.in-addr.arpa',
  '113.0.203.in-addr.arpa',
  '255.255.255.255.in-addr.arpa',
  ...numbered(64, 127, '100.in-addr.arpa'),
  `${'0.'.repeat(32)}ip6.arpa`,
  `1.${'0.'.repeat(31)}ip6.arpa`,
  'd.f.ip6.arpa',
  '8.e.f.ip6.arpa',
  '9.e.f.ip6.arpa',
  'a.e.f.ip6.arpa',
  'b.e.f.ip6.arpa',
  '8.b.d.0.1.0.0.2.ip6.arpa',
];

export const SPECIAL_USE_NAMES: readonly SpecialUseName[] = [
  // "SHOULD, for all such address queries, generate an immediate positive response giving the IP loopback address, and
  // for all other query types, generate an immediate negative response" (RFC 6761 6.3).
  { name: 'localhost', kind: 'loopback', group: 'reservedNames' },
  // "SHOULD, by default, generate immediate negative responses for all such queries" (RFC 6761 6.2).
  { name: 'test', kind: 'nameError', group: 'reservedNames' },
  // "SHOULD generate immediate NXDOMAIN responses for all such queries" (RFC 6761 6.4).
  { name: 'invalid', kind: 'nameError', group: 'reservedNames' },
  // "SHOULD NOT attempt to look up records for .onion names. They MUST generate NXDOMAIN for all such queries"
  // (RFC 7686 2).
  { name: 'onion', kind: 'nameError', group: 'reservedNames' },
  ...REVERSE_ZONES.map((name) => ({ name, kind: 'emptyZone', group: 'privateReverseZones' }) as const),
  // "SHOULD return NODATA for queries to the 'resolver.arpa' zone" where none is designated (RFC 9462 4).
  { name: 'resolver.arpa', kind: 'designation', group: 'resolverArpa' },
  // Mozilla's canary: a negative answer asks Firefox to leave DNS to the network's resolver.
  { name: 'use-application-dns.net', kind: 'canary', group: 'firefoxCanary' },
  // "Prepare your network for iCloud Private Relay": "a "no error no answer" response or an NXDOMAIN response".
  { name: 'mask.icloud.com', kind: 'canary', group: 'applePrivateRelay' },
  { name: 'mask-h2.icloud.com', kind: 'canary', group: 'applePrivateRelay' },
];

function numbered(from: number, to: number, parent: string): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}.${parent}`);
}
