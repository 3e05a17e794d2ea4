import { describe, expect, it } from 'vitest';
import { RecordType, Rcode } from '../../../src/dns/iana.ts';
import { ACTIONS } from '../../../src/policy/actions.ts';
import { CATEGORIES } from '../../../src/policy/category.ts';
import { VerdictKind } from '../../../src/policy/policy.ts';
import { PAGE_LANGUAGES } from '../../../src/config/page-text-keys.ts';
import { UPSTREAMS_MAX, LISTS_MAX } from '../../../src/config/schema.ts';
import {
  COUNTED_QTYPES,
  DOH_CUTS,
  DOH_STATUSES,
  DROP_REASONS,
  DropRow,
  EVENT_DROP_REASONS,
  HANDSHAKE_RESULTS,
  HELLO_OUTCOMES,
  LIMITS,
  LIMIT_OUTCOMES,
  PAGE_OUTCOMES,
  QTYPE_LABELS,
  RCODE_LABELS,
  RESPONSE_VERDICTS,
  SOCKET_SIDES,
  TLS_TRANSPORTS,
  TRANSPORTS,
  UPSTREAM_OUTCOMES,
  UpstreamOutcomeRow,
  VerdictRow,
} from '../../../src/telemetry/counter-labels.ts';
import {
  COUNTER_CELLS,
  Counter,
  DURATION_BUCKETS_MS,
  HISTOGRAM_CELLS,
  LIST_SLOTS,
  QTYPE_SLOT,
  REGION_SLOTS,
  regionCounter,
  UPSTREAM_SLOTS,
  blockedCounter,
  createCounters,
  dohResponseCounter,
  dropCounter,
  durationHistogram,
  handshakeCounter,
  limitCounter,
  observeDuration,
  pageCounter,
  queryCounter,
  responseCounter,
  shadowCounter,
  upstreamCounter,
  upstreamDownGauge,
  upstreamDurationHistogram,
} from '../../../src/telemetry/counters.ts';

function* range(count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield index;
}

/** Every cell that an index function can name, in the order of its arguments. */
function* namedCells(): Generator<number> {
  for (const transport of range(TRANSPORTS.length)) {
    for (const family of range(2))
      for (const slot of range(QTYPE_LABELS.length)) yield queryCounter(transport, family, slot);
  }
  for (const rcode of range(RCODE_LABELS.length)) {
    for (const verdict of range(RESPONSE_VERDICTS.length)) yield responseCounter(rcode, verdict);
  }
  for (const list of range(LIST_SLOTS)) {
    for (const category of range(CATEGORIES.length)) {
      for (const action of range(ACTIONS.length)) yield blockedCounter(list, category, action);
      yield shadowCounter(list, category);
    }
  }
  for (const reason of range(DROP_REASONS.length)) yield dropCounter(reason);
  for (const limit of range(LIMITS.length)) {
    for (const outcome of range(LIMIT_OUTCOMES.length)) yield limitCounter(limit, outcome);
  }
  for (const verdict of range(RESPONSE_VERDICTS.length)) {
    for (const cell of range(HISTOGRAM_CELLS)) yield durationHistogram(verdict) + cell;
  }
  for (const slot of range(UPSTREAM_SLOTS)) {
    for (const outcome of range(UPSTREAM_OUTCOMES.length)) yield upstreamCounter(slot, outcome);
    for (const cell of range(HISTOGRAM_CELLS)) yield upstreamDurationHistogram(slot) + cell;
    yield upstreamDownGauge(slot);
  }
  for (const row of range(REGION_SLOTS)) yield regionCounter(row);
  for (const scheme of range(2)) {
    for (const language of range(PAGE_LANGUAGES.length)) yield pageCounter(scheme, language);
  }
  for (const row of range(PAGE_OUTCOMES.length)) yield Counter.pageOutcomes + row;
  for (const row of range(HELLO_OUTCOMES.length)) yield Counter.pageHellos + row;
  for (const row of range(EVENT_DROP_REASONS.length)) yield Counter.eventsDropped + row;
  for (const transport of range(TLS_TRANSPORTS.length)) {
    for (const result of range(HANDSHAKE_RESULTS.length)) yield handshakeCounter(transport, result);
    yield Counter.tlsConnectionsOpen + transport;
    yield Counter.tlsConnectionsRejected + transport;
  }
  for (const status of DOH_STATUSES) yield dohResponseCounter(status);
  for (const row of range(DOH_CUTS.length)) yield Counter.dohCuts + row;
  for (const side of range(SOCKET_SIDES.length)) {
    yield Counter.kernelDrops + side;
    yield Counter.receiveBufferBytes + side;
  }
  const blocks = new Set(['queries', 'responses', 'blocked', 'shadow', 'dropped', 'durations', 'upstreamQueries']);
  for (const name of [
    'limited',
    'blockedByRegion',
    'upstreamDurations',
    'pageRequests',
    'pageOutcomes',
    'pageHellos',
    'eventsDropped',
    'firstGauge',
    'upstreamDown',
    'kernelDrops',
    'receiveBufferBytes',
    'tlsConnectionsOpen',
    'tlsConnectionsRejected',
    'tlsHandshakes',
    'dohResponses',
    'dohCuts',
  ])
    blocks.add(name);
  for (const [name, cell] of Object.entries(Counter)) if (!blocks.has(name)) yield cell;
}

describe('the layout of the counters', () => {
  it('gives every counter a cell of its own, and leaves none unused', () => {
    const cells = [...namedCells()];
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.min(...cells)).toBe(0);
    expect(Math.max(...cells)).toBe(COUNTER_CELLS - 1);
    expect(cells).toHaveLength(COUNTER_CELLS);
  });

  it('has room for as many lists and upstreams as a configuration may have', () => {
    expect(LIST_SLOTS).toBe(LISTS_MAX);
    expect(UPSTREAM_SLOTS).toBe(UPSTREAMS_MAX);
  });

  it('starts at zero, and one thread sees what another counted', () => {
    const block = createCounters();
    const writer = new Float64Array(block);
    const reader = new Float64Array(block);
    expect(reader).toHaveLength(COUNTER_CELLS);
    expect(reader.every((cell) => cell === 0)).toBe(true);
    writer[Counter.cacheHits]!++;
    expect(reader[Counter.cacheHits]).toBe(1);
  });
});

describe('rows', () => {
  it.each(COUNTED_QTYPES.map(([label, number]) => [label, number] as const))('%s is query type %i', (label, number) => {
    expect(QTYPE_LABELS[QTYPE_SLOT[number]!]).toBe(label);
    const known = Object.entries(RecordType).find(([name]) => name === label);
    if (known !== undefined) expect(known[1]).toBe(number);
  });

  it('count every other query type as other', () => {
    expect(QTYPE_LABELS[QTYPE_SLOT[0]!]).toBe('other');
    expect(QTYPE_LABELS[QTYPE_SLOT[65_535]!]).toBe('other');
    expect(QTYPE_LABELS.filter((label) => label === 'other')).toHaveLength(1);
  });

  it('of response codes carry their IANA names, and codes beyond the table are other', () => {
    for (const [name, rcode] of Object.entries(Rcode)) {
      if (rcode < RCODE_LABELS.length) expect(RCODE_LABELS[rcode]).toBe(name);
    }
    expect(responseCounter(4095, 0)).toBe(responseCounter(24, 0));
    expect(RCODE_LABELS[24]).toBe('other');
  });

  it('agree with their names', () => {
    for (const [reason, row] of Object.entries(DropRow)) expect(DROP_REASONS[row]).toBe(reason);
    for (const [outcome, row] of Object.entries(UpstreamOutcomeRow)) expect(UPSTREAM_OUTCOMES[row]).toBe(outcome);
    for (const [verdict, row] of Object.entries(VerdictRow)) expect(RESPONSE_VERDICTS[row]).toBe(verdict);
  });

  it('of verdicts are the numbers that policy gives', () => {
    expect(VerdictRow).toMatchObject(VerdictKind);
  });
});

describe('a histogram', () => {
  it.each([
    [0, 0],
    [0.05, 0],
    [0.0501, 1],
    [1, 4],
    [5000, DURATION_BUCKETS_MS.length - 1],
    [5001, DURATION_BUCKETS_MS.length],
    [1e9, DURATION_BUCKETS_MS.length],
  ])('puts %d ms into bucket %i, whose bound it may equal', (durationMs, bucket) => {
    const cells = new Float64Array(createCounters());
    const first = durationHistogram(VerdictRow.blocked);
    observeDuration(cells, first, durationMs);
    expect(cells[first + bucket]).toBe(1);
    expect(cells[first + HISTOGRAM_CELLS - 1]).toBe(durationMs);
    expect(cells.reduce((sum, cell) => sum + cell)).toBeCloseTo(1 + durationMs);
  });
});
