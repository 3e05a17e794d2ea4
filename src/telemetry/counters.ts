/**
 * Counters in shared memory: one block of 64-bit floats for each thread, written by that thread alone, summed by
 * metrics.ts when Prometheus asks. This file is the layout: which cell counts what. The hot path does
 * `cells[Counter.cacheHits]!++`; it calls no function, takes no lock and allocates nothing.
 *
 * Why floats: exact up to 2^53, plain loads and stores (BigInt cells allocate, Atomics cost a bus lock). An aligned
 * 64-bit store is not torn on any machine that Node runs on.
 */
import { PAGE_LANGUAGES } from '../config/page-text-keys.ts';
import { ACTIONS } from '../policy/actions.ts';
import { CATEGORIES } from '../policy/category.ts';
import {
  COUNTED_QTYPES,
  DOH_CUTS,
  DOH_STATUSES,
  DROP_REASONS,
  EVENT_DROP_REASONS,
  FAMILIES,
  HANDSHAKE_RESULTS,
  HELLO_OUTCOMES,
  LIMITS,
  LIMIT_OUTCOMES,
  PAGE_OUTCOMES,
  PAGE_SCHEMES,
  QTYPE_LABELS,
  RCODE_LABELS,
  RESPONSE_VERDICTS,
  SOCKET_SIDES,
  TLS_TRANSPORTS,
  TRANSPORTS,
  UPSTREAM_OUTCOMES,
} from './counter-labels.ts';
import type { DohStatus } from './counter-labels.ts';

/** Lists with counters of their own; the configuration allows no more. */
export const LIST_SLOTS = 64;
/** Regions with counters of their own, in the life of a process: four times what one configuration may have, and none. */
export const REGION_SLOTS = 257;
/** Upstreams with counters of their own; the configuration allows no more. */
export const UPSTREAM_SLOTS = 16;
/** Upper bounds of the duration buckets. Units: milliseconds. A last bucket without bound follows. */
export const DURATION_BUCKETS_MS = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
] as const;
/** Cells of one histogram: the buckets (not cumulative), the bucket without bound, the sum in milliseconds. */
export const HISTOGRAM_CELLS = DURATION_BUCKETS_MS.length + 2;

let cellsTaken = 0;
function take(cells: number): number {
  const start = cellsTaken;
  cellsTaken += cells;
  return start;
}

/**
 * Where each counter, or block of counters, begins. Single cells are counted as `cells[Counter.x]!++`, blocks through
 * the index functions below.
 */
export const Counter = {
  queries: take(TRANSPORTS.length * FAMILIES.length * QTYPE_LABELS.length),
  responses: take(RCODE_LABELS.length * RESPONSE_VERDICTS.length),
  blocked: take(LIST_SLOTS * CATEGORIES.length * ACTIONS.length),
  blockedByRegion: take(REGION_SLOTS),
  shadow: take(LIST_SLOTS * CATEGORIES.length),
  /** Responses to names that an exception let the client through to. */
  exceptionAnswers: take(1),
  dropped: take(DROP_REASONS.length),
  limited: take(LIMITS.length * LIMIT_OUTCOMES.length),
  /** Bugs met in the query path, whether or not the query was answered. */
  internalErrors: take(1),
  durations: take(RESPONSE_VERDICTS.length * HISTOGRAM_CELLS),
  cacheHits: take(1),
  cacheMisses: take(1),
  cacheStaleAnswers: take(1),
  cachePrefetches: take(1),
  cacheEvictions: take(1),
  /** Misses that joined an exchange already under way. */
  sharedExchanges: take(1),
  upstreamQueries: take(UPSTREAM_SLOTS * UPSTREAM_OUTCOMES.length),
  upstreamDurations: take(UPSTREAM_SLOTS * HISTOGRAM_CELLS),
  /** Second transmissions sent because the first was late. */
  upstreamHedges: take(1),
  tcpConnectionsAccepted: take(1),
  tcpConnectionsRejected: take(1),
  tlsConnectionsRejected: take(TLS_TRANSPORTS.length),
  tlsHandshakes: take(TLS_TRANSPORTS.length * HANDSHAKE_RESULTS.length),
  dohResponses: take(DOH_STATUSES.length),
  dohCuts: take(DOH_CUTS.length),
  pageRequests: take(PAGE_SCHEMES.length * PAGE_LANGUAGES.length),
  pageOutcomes: take(PAGE_OUTCOMES.length),
  /** ClientHellos at the warning page (HELLO_OUTCOMES). */
  pageHellos: take(HELLO_OUTCOMES.length),
  pageConnectionsRejected: take(1),
  pageCertificatesMade: take(1),
  pageCertificatesRefused: take(1),
  eventsWritten: take(1),
  eventsDropped: take(EVENT_DROP_REASONS.length),
  /** Datagrams that found the kernel's queue full (SOCKET_SIDES). */
  kernelDrops: take(SOCKET_SIDES.length),
  /** Gauges from here on: set, not counted, and forgotten with their thread. */
  firstGauge: take(0),
  cacheEntries: take(1),
  cacheBytes: take(1),
  tcpConnectionsOpen: take(1),
  tlsConnectionsOpen: take(TLS_TRANSPORTS.length),
  upstreamOutstanding: take(1),
  /** Clients and prefixes that the kernel holds off. */
  heldSources: take(1),
  /** Generation of the policy that this thread answers with; 0 in threads that answer nothing. */
  policyGeneration: take(1),
  /** The smallest receive buffer granted (SOCKET_SIDES); 0: not known. */
  receiveBufferBytes: take(SOCKET_SIDES.length),
  /** 1 while this thread finds the upstream down; memory starts at 0, so an upstream is up until found down. */
  upstreamDown: take(UPSTREAM_SLOTS),
} as const;

/** Cells in one thread's block. */
export const COUNTER_CELLS = cellsTaken;

/** Row of each query type: `cells[queryCounter(transport, family, QTYPE_SLOT[qtype]!)]!++`. */
export const QTYPE_SLOT: Uint8Array = new Uint8Array(65_536).fill(COUNTED_QTYPES.length);
for (const [row, [, qtype]] of COUNTED_QTYPES.entries()) QTYPE_SLOT[qtype] = row;

/** Makes the block of one thread, all zero. Share it with that thread and with metrics.ts; each sees it as a Float64Array. */
export function createCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(COUNTER_CELLS * Float64Array.BYTES_PER_ELEMENT);
}

/** Cell of a query. Arguments are rows: TransportRow, FamilyRow, QTYPE_SLOT. */
export function queryCounter(transport: number, family: number, qtypeSlot: number): number {
  return Counter.queries + (transport * FAMILIES.length + family) * QTYPE_LABELS.length + qtypeSlot;
}

/** Cell of a response, by extended rcode (any value) and VerdictRow. */
export function responseCounter(rcode: number, verdict: number): number {
  const row = rcode < RCODE_LABELS.length ? rcode : RCODE_LABELS.length - 1;
  return Counter.responses + row * RESPONSE_VERDICTS.length + verdict;
}

/** Cell of a blocked query: PublishedList.counterSlot, index in CATEGORIES, index in ACTIONS. */
export function blockedCounter(listSlot: number, category: number, action: number): number {
  return Counter.blocked + (listSlot * CATEGORIES.length + category) * ACTIONS.length + action;
}

/** Cell of a blocked query by the region of its client: a row of the supervisor's. */
export function regionCounter(regionSlot: number): number {
  return Counter.blockedByRegion + regionSlot;
}

/** Cell of a query that a list in shadow mode would have blocked: PublishedList.counterSlot, index in CATEGORIES. */
export function shadowCounter(listSlot: number, category: number): number {
  return Counter.shadow + listSlot * CATEGORIES.length + category;
}

/** Cell of a message that got no answer (DropRow). */
export function dropCounter(reason: number): number {
  return Counter.dropped + reason;
}

/** Cell of a query that met a limit: LimitRow, LimitOutcomeRow. */
export function limitCounter(limit: number, outcome: number): number {
  return Counter.limited + limit * LIMIT_OUTCOMES.length + outcome;
}

/** Cell of a transmission to an upstream: its index in the configuration, UpstreamOutcomeRow. */
export function upstreamCounter(upstreamSlot: number, outcome: number): number {
  return Counter.upstreamQueries + upstreamSlot * UPSTREAM_OUTCOMES.length + outcome;
}

/** Gauge cell: set to 1 while the upstream is found down, to 0 when it answers. */
export function upstreamDownGauge(upstreamSlot: number): number {
  return Counter.upstreamDown + upstreamSlot;
}

/** First cell of the histogram of answer times by VerdictRow; for observeDuration. */
export function durationHistogram(verdict: number): number {
  return Counter.durations + verdict * HISTOGRAM_CELLS;
}

/** First cell of the histogram of an upstream's answer times; for observeDuration. */
export function upstreamDurationHistogram(upstreamSlot: number): number {
  return Counter.upstreamDurations + upstreamSlot * HISTOGRAM_CELLS;
}

/** Cell of a TLS handshake that ended: TlsTransportRow, HandshakeRow. */
export function handshakeCounter(transport: number, result: number): number {
  return Counter.tlsHandshakes + transport * HANDSHAKE_RESULTS.length + result;
}

/** Cell of a DoH response by its HTTP status. */
export function dohResponseCounter(status: DohStatus): number {
  return Counter.dohResponses + DOH_STATUSES.indexOf(status);
}

/** Cell of a warning page request: rows of PAGE_SCHEMES and PAGE_LANGUAGES. */
export function pageCounter(scheme: number, language: number): number {
  return Counter.pageRequests + scheme * PAGE_LANGUAGES.length + language;
}

/**
 * Adds `count` equal durations to a histogram. Units: milliseconds.
 * Cost: the search is linear from the shortest bucket, because nearly every answer falls into the first.
 */
export function observeDuration(cells: Float64Array, histogram: number, durationMs: number, count = 1): void {
  let bucket = 0;
  while (bucket < DURATION_BUCKETS_MS.length && durationMs > DURATION_BUCKETS_MS[bucket]!) bucket++;
  cells[histogram + bucket]! += count;
  cells[histogram + HISTOGRAM_CELLS - 1]! += durationMs * count;
}
