/**
 * The closed sets that counter rows stand for: position in each array is the row, the word is the label Prometheus sees.
 * counters.ts lays the rows out, metrics.ts exports them. Append only; nothing a client sends becomes a label.
 */

export const TRANSPORTS = ['udp', 'tcp', 'dot', 'doh'] as const;
export type Transport = (typeof TRANSPORTS)[number];
/** Rows of TRANSPORTS. */
export const TransportRow = { udp: 0, tcp: 1, dot: 2, doh: 3 } as const;

/** Those inside TLS. */
export const TLS_TRANSPORTS = ['dot', 'doh'] as const;
/** Rows of TLS_TRANSPORTS. */
export const TlsTransportRow = { dot: 0, doh: 1 } as const;

/** How a TLS handshake with a client ended. */
export const HANDSHAKE_RESULTS = [
  'full',
  'resumed',
  'timeout',
  'closed',
  'noProtocol',
  'noVersion',
  'malformed',
] as const;
/** Rows of HANDSHAKE_RESULTS. */
export const HandshakeRow = {
  full: 0,
  resumed: 1,
  timeout: 2,
  closed: 3,
  noProtocol: 4,
  noVersion: 5,
  malformed: 6,
} as const satisfies Record<(typeof HANDSHAKE_RESULTS)[number], number>;

/** HTTP status codes that DoH answers with. */
export const DOH_STATUSES = [200, 400, 404, 405, 406, 408, 413, 414, 415, 431] as const;
export type DohStatus = (typeof DOH_STATUSES)[number];

/** Why a DoH connection was cut: what a client does that no browser would. */
export const DOH_CUTS = ['resets', 'unread', 'slow', 'protocol'] as const;
/** Rows of DOH_CUTS. */
export const DohCutRow = { resets: 0, unread: 1, slow: 2, protocol: 3 } as const satisfies Record<
  (typeof DOH_CUTS)[number],
  number
>;

/** The region of clients that are in no group, or in one without a region. */
export const NO_REGION = 'none';

export const FAMILIES = ['ipv4', 'ipv6'] as const;
/** Rows of FAMILIES. */
export const FamilyRow = { ipv4: 0, ipv6: 1 } as const;

/** Query types with a row of their own, by number (IANA, Resource Record TYPEs). */
export const COUNTED_QTYPES = [
  ['A', 1],
  ['NS', 2],
  ['CNAME', 5],
  ['SOA', 6],
  ['PTR', 12],
  ['MX', 15],
  ['TXT', 16],
  ['AAAA', 28],
  ['SRV', 33],
  ['NAPTR', 35],
  ['DS', 43],
  ['RRSIG', 46],
  ['NSEC', 47],
  ['DNSKEY', 48],
  ['TLSA', 52],
  ['SVCB', 64],
  ['HTTPS', 65],
  ['SPF', 99],
  ['IXFR', 251],
  ['AXFR', 252],
  ['ANY', 255],
  ['CAA', 257],
] as const;

/** Labels of the qtype rows: COUNTED_QTYPES, then `other`. */
export const QTYPE_LABELS: readonly string[] = [...COUNTED_QTYPES.map(([label]) => label), 'other'];

/** Rows 0..23 are the response codes themselves (IANA, DNS RCODEs); unassigned ones and the last row are `other`. */
export const RCODE_LABELS = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
  'DSOTYPENI',
  'other',
  'other',
  'other',
  'other',
  'BADVERS',
  'BADKEY',
  'BADTIME',
  'BADMODE',
  'BADNAME',
  'BADALG',
  'BADTRUNC',
  'BADCOOKIE',
  'other',
] as const;

/** The first four rows are the numbers of policy's VerdictKind, so a verdict is its own row. */
export const RESPONSE_VERDICTS = ['allowed', 'allowlisted', 'blocked', 'shadow', 'error'] as const;
/** Rows of RESPONSE_VERDICTS. */
export const VerdictRow = { allowed: 0, allowlisted: 1, blocked: 2, shadow: 3, error: 4 } as const;

/** Why a message got no answer. */
export const DROP_REASONS = [
  'tooShort',
  'response',
  'policyDrop',
  'sendFailed',
  'internalError',
  'rateLimited',
  'proxyHeader',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
/** Rows of DROP_REASONS. */
export const DropRow = {
  tooShort: 0,
  response: 1,
  policyDrop: 2,
  sendFailed: 3,
  internalError: 4,
  rateLimited: 5,
  proxyHeader: 6,
} as const satisfies Record<DropReason, number>;

/** Which limit a query met (docs/limits.md). */
export const LIMITS = ['queries', 'responses', 'outstanding', 'misses'] as const;
/** Rows of LIMITS. */
export const LimitRow = { queries: 0, responses: 1, outstanding: 2, misses: 3 } as const satisfies Record<
  (typeof LIMITS)[number],
  number
>;
/** What it got instead of an answer. */
export const LIMIT_OUTCOMES = ['dropped', 'refused', 'truncated', 'badCookie', 'failed', 'stale'] as const;
/** Rows of LIMIT_OUTCOMES. */
export const LimitOutcomeRow = {
  dropped: 0,
  refused: 1,
  truncated: 2,
  badCookie: 3,
  failed: 4,
  stale: 5,
} as const satisfies Record<(typeof LIMIT_OUTCOMES)[number], number>;

/** How one transmission to an upstream ended. */
export const UPSTREAM_OUTCOMES = [
  'answered',
  'timeout',
  'network',
  'servfail',
  'refused',
  'mismatched',
  'truncated',
  'formerr',
  'malformed',
] as const;
export type UpstreamOutcomeLabel = (typeof UPSTREAM_OUTCOMES)[number];
/** Rows of UPSTREAM_OUTCOMES. */
export const UpstreamOutcomeRow = {
  answered: 0,
  timeout: 1,
  network: 2,
  servfail: 3,
  refused: 4,
  mismatched: 5,
  truncated: 6,
  formerr: 7,
  malformed: 8,
} as const satisfies Record<UpstreamOutcomeLabel, number>;

export const PAGE_SCHEMES = ['http', 'https'] as const;
/** Rows of PAGE_SCHEMES. */
export const PageSchemeRow = { http: 0, https: 1 } as const;
/** What a request to the warning page came to. */
export const PAGE_OUTCOMES = [
  'blocked',
  'notBlocked',
  'methodNotAllowed',
  'rateLimited',
  'robots',
  'appealShown',
  'appealFiled',
  'appealRefused',
] as const;
/** Rows of PAGE_OUTCOMES. */
export const PageOutcomeRow = {
  blocked: 0,
  notBlocked: 1,
  methodNotAllowed: 2,
  rateLimited: 3,
  robots: 4,
  appealShown: 5,
  appealFiled: 6,
  appealRefused: 7,
} as const satisfies Record<(typeof PAGE_OUTCOMES)[number], number>;
/** What a TLS connection to the warning page asked for: a name blocked now, another, none, no TLS, or nothing in time. */
export const HELLO_OUTCOMES = ['blocked', 'notBlocked', 'noName', 'malformed', 'timeout'] as const;
export type HelloOutcome = (typeof HELLO_OUTCOMES)[number];
/** Rows of HELLO_OUTCOMES. */
export const HelloRow = {
  blocked: 0,
  notBlocked: 1,
  noName: 2,
  malformed: 3,
  timeout: 4,
} as const satisfies Record<HelloOutcome, number>;

/**
 * Why an event is not in the event log: the resolver thread's ring was full, the file could not be written, or the event
 * thread died with it in its hands.
 */
export const EVENT_DROP_REASONS = ['ringFull', 'writeFailed', 'threadDied'] as const;
/** Rows of EVENT_DROP_REASONS. */
export const EventDropRow = { ringFull: 0, writeFailed: 1, threadDied: 2 } as const;

/** How UDP datagrams are moved: one an event, or many a system call. */
export const BATCH_IO_MODES = ['dgram', 'batch'] as const;
export type BatchIoMode = (typeof BATCH_IO_MODES)[number];

/** Which end a UDP socket faces. */
export const SOCKET_SIDES = ['client', 'upstream'] as const;
/** Rows of SOCKET_SIDES. */
export const SocketSideRow = { client: 0, upstream: 1 } as const;
