/**
 * The configuration of the Unbound that Weir runs for `upstreams: [recursive]`: loopback only, validating, minimising
 * what it tells, and with as little state as Weir can do better itself. Text only; recursor.ts writes and runs it.
 * RFC 4033 (DNSSEC), RFC 5011 (trust anchors), RFC 8198 (aggressive NSEC), RFC 9156 (QNAME minimisation).
 */
export interface RecursorSettings {
  readonly port: number;
  /** Absolute; holds the trust anchor, which Unbound keeps up to date. */
  readonly folder: string;
  readonly threads: number;
  readonly cacheBytesMax: number;
  /** Absolute path of a file with more of Unbound's own settings; '' for none. */
  readonly include: string;
}

export const TRUST_ANCHOR_FILE = 'root.key';

/**
 * The root's key signing keys of 2017 and 2024, to begin with; from then on Unbound follows RFC 5011.
 * Source: https://data.iana.org/root-anchors/root-anchors.xml
 */
export const ROOT_ANCHORS = `. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
`;

/** Queries of one thread under way; with libevent one thread takes them all. */
const QUERIES_PER_THREAD = 4_096;
const OUTGOING_PORTS_PER_THREAD = 4_096;
/** A share of the cache for whole messages, the rest for records. */
const MESSAGE_CACHE_SHARE = 1 / 3;

export function recursorConfiguration(settings: RecursorSettings): string {
  const { port, folder, threads, cacheBytesMax, include } = settings;
  const messageBytes = Math.floor(cacheBytesMax * MESSAGE_CACHE_SHARE);
  const lines = [
    '# Written by Weir at every start; put settings of your own into the file that recursion.include names.',
    'server:',
    ...[
      `directory: "${folder}"`,
      'chroot: ""',
      'username: ""',
      'pidfile: ""',
      'do-daemonize: no',
      'use-syslog: no',
      'logfile: ""',
      'verbosity: 1',
      'log-servfail: no',
      `interface: 127.0.0.1@${port}`,
      'access-control: 127.0.0.0/8 allow',
      `num-threads: ${threads}`,
      'so-reuseport: yes',
      `num-queries-per-thread: ${QUERIES_PER_THREAD}`,
      `outgoing-range: ${OUTGOING_PORTS_PER_THREAD}`,
      `msg-cache-size: ${messageBytes}`,
      `rrset-cache-size: ${cacheBytesMax - messageBytes}`,
      'key-cache-size: 16m',
      'neg-cache-size: 8m',
      'module-config: "validator iterator"',
      `auto-trust-anchor-file: "${TRUST_ANCHOR_FILE}"`,
      'qname-minimisation: yes',
      'aggressive-nsec: yes',
      'harden-glue: yes',
      'harden-dnssec-stripped: yes',
      'harden-below-nxdomain: yes',
      'harden-referral-path: no',
      'harden-algo-downgrade: no',
      'harden-short-bufsize: yes',
      'harden-large-queries: yes',
      'unwanted-reply-threshold: 1000000',
      'val-clean-additional: yes',
      'hide-identity: yes',
      'hide-version: yes',
      'minimal-responses: yes',
      'deny-any: yes',
      'edns-buffer-size: 1232',
      'prefetch: yes',
      'prefetch-key: yes',
      // Why not here: Weir serves stale answers itself, and asks policy before it does.
      'serve-expired: no',
      // Weir answers these, and may have been told not to (specialUse.privateReverseZones).
      'unblock-lan-zones: yes',
      'insecure-lan-zones: yes',
    ].map((line) => `    ${line}`),
    'remote-control:',
    '    control-enable: no',
    ...(include === '' ? [] : [`include: "${include}"`]),
  ];
  return `${lines.join('\n')}\n`;
}
