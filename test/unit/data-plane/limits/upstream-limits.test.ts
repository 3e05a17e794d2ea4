import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rcode, RecordType } from '../../../../src/dns/iana.ts';
import { DropRow, LimitOutcomeRow, LimitRow } from '../../../../src/telemetry/counter-labels.ts';
import { dropCounter, limitCounter } from '../../../../src/telemetry/counters.ts';
import { REGISTRY_BUDGETS } from '../../../../src/data-plane/limits/miss-budgets.ts';
import { freezeClock, ResolverHarness, type TestReply } from '../../../support/resolver-harness.ts';
import { hex, record } from '../../../support/wire.ts';

beforeEach(freezeClock);
afterEach(() => {
  vi.useRealTimers();
});

const CLIENT = '192.0.2.7';

function harness(limits: Record<string, unknown>, more: Record<string, unknown> = {}): ResolverHarness {
  return new ResolverHarness({
    config: { limits, clients: { allow: ['0.0.0.0/0', '::/0'] }, ...more },
    entries: [{ name: 'listed.example.com' }],
  });
}

/** Asks for so many names below a domain that nobody has, each from another client; how many of them went upstream. */
function flood(weir: ResolverHarness, domain: string, count: number, client?: string): number {
  const before = weir.upstream.asks.length;
  for (let index = 0; index < count; index++)
    weir.ask(`${floods++}.${domain}`, { client: client ?? `198.18.${(floods >> 8) & 0xff}.${floods & 0xff}` });
  return weir.upstream.asks.length - before;
}
let floods = 0;

function answered(weir: ResolverHarness, name: string, ttlSeconds: number): void {
  weir.ask(name, { client: CLIENT });
  weir.upstream.last.answer({ answers: [record(name, RecordType.A, ttlSeconds, hex('c0000201'))] });
}

function limited(weir: ResolverHarness, limit: number, outcome: number): number {
  return weir.cells[limitCounter(limit, outcome)]!;
}

describe('the misses of a domain', () => {
  const limits = { missesPerDomainPerSecondMax: 10 };

  it('beyond its budget are SERVFAIL with the reason, and not asked upstream; other domains are', () => {
    const weir = harness(limits);
    expect(flood(weir, 'example.com', 50)).toBe(10);
    const reply = weir.ask('one-more.example.com', { client: CLIENT });
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(reply.decoded.edns?.extendedErrors).toEqual([
      { infoCode: 0, text: 'too many questions for names of this domain' },
    ]);
    expect(limited(weir, LimitRow.misses, LimitOutcomeRow.failed)).toBe(41);
    expect(flood(weir, 'example.net', 5)).toBe(5);
    weir.advance(500);
    expect(flood(weir, 'example.com', 50)).toBe(5);
  });

  it('do not touch what is blocked, cached, stale or already under way', () => {
    const weir = harness(limits);
    answered(weir, 'fresh.example.com', 3600);
    answered(weir, 'stale.example.com', 1);
    weir.advance(2000);
    const under = weir.ask('under-way.example.com', { client: CLIENT });
    flood(weir, 'example.com', 50);
    expect(weir.ask('fresh.example.com', { client: CLIENT }).decoded.answers).toHaveLength(1);
    expect(weir.ask('listed.example.com', { client: CLIENT }).decoded.rcode).toBe(Rcode.NOERROR);
    const stale = weir.ask('stale.example.com', { client: CLIENT });
    expect([stale.decoded.answers.length, stale.infoCodes]).toEqual([1, [3]]);
    expect(limited(weir, LimitRow.misses, LimitOutcomeRow.stale)).toBe(1);
    expect(weir.ask('under-way.example.com', { client: CLIENT }).wasLate).toBe(true);
    expect(under.wasLate).toBe(true);
  });

  it('count for the domain below a registry, and in a larger budget for the registry', () => {
    const weir = harness(limits);
    expect(flood(weir, 'victim.co.uk', 50)).toBe(10);
    expect(flood(weir, 'other.co.uk', 5)).toBe(5);
    expect(flood(weir, 'co.uk', 1000)).toBe(10 * REGISTRY_BUDGETS - 15);
  });

  it('share one budget for names without a domain', () => {
    const weir = harness(limits);
    for (let index = 0; index < 50; index++) weir.ask(`made-up-${index}`, { client: `198.51.100.${index}` });
    expect(weir.upstream.asks).toHaveLength(10);
  });

  it('are one client’s only in part: what is left is for the others, and each domain has a part for each client', () => {
    const weir = harness({ ...limits, missesPerDomainClientPerSecondMax: 4 });
    expect(flood(weir, 'example.com', 50, CLIENT)).toBe(4);
    expect(flood(weir, 'Example.COM', 50, CLIENT)).toBe(0);
    expect(limited(weir, LimitRow.misses, LimitOutcomeRow.failed)).toBe(96);
    expect(flood(weir, 'example.net', 50, CLIENT)).toBe(4);
    expect(flood(weir, 'example.com', 50, '2001:db8::1')).toBe(4);
    expect(flood(weir, 'example.com', 50, '2001:db8::2')).toBe(0);
    expect(flood(weir, 'example.com', 50, '2001:db8:0:1::1')).toBe(2);
    weir.advance(500);
    expect(flood(weir, 'example.com', 50, CLIENT)).toBe(2);
    const wide = harness({ ...limits, missesPerDomainClientPerSecondMax: 0 });
    expect(flood(wide, 'example.com', 50, CLIENT)).toBe(10);
  });

  it('of a flood by one client leave its domain to everybody else, by default', () => {
    const weir = harness({});
    expect(flood(weir, 'popular.example', 900, CLIENT)).toBe(100);
    expect(flood(weir, 'popular.example', 300)).toBe(300);
  });

  it('have no budget at 0, nor below names that are exempt', () => {
    expect(flood(harness({ missesPerDomainPerSecondMax: 0 }), 'example.com', 900)).toBe(900);
    const weir = harness({
      ...limits,
      missesPerDomainClientPerSecondMax: 2,
      missesExempt: ['zen.Example.org', 'co.uk'],
    });
    expect(flood(weir, 'zen.example.org', 100, CLIENT)).toBe(100);
    expect(flood(weir, 'a.zen.example.org', 100)).toBe(100);
    expect(flood(weir, 'victim.co.uk', 500)).toBe(500);
    expect(flood(weir, 'notzen.example.org', 100)).toBe(0);
  });
});

describe('queries of a client that wait', () => {
  const limits = { outstandingPerClientMax: 3 };
  const ask = (weir: ResolverHarness, name: string, client = CLIENT): TestReply => weir.ask(name, { client });

  it('beyond the limit are SERVFAIL with the reason; another client waits; who was answered may wait again', () => {
    const weir = harness(limits);
    const names = ['a.example', 'b.example', 'c.example'];
    for (const name of names) expect(ask(weir, name).wasLate).toBe(true);
    for (const name of ['d.example', 'a.example']) {
      const { rcode, edns } = ask(weir, name).decoded;
      expect(rcode).toBe(Rcode.SERVFAIL);
      expect(edns?.extendedErrors[0]?.text).toBe('too many questions are waiting for upstreams');
    }
    expect(weir.upstream.asks).toHaveLength(3);
    expect(limited(weir, LimitRow.outstanding, LimitOutcomeRow.failed)).toBe(2);
    expect(ask(weir, 'd.example', '192.0.2.8').wasLate).toBe(true);
    weir.upstream.asks[0]!.answer({});
    expect(ask(weir, 'e.example').wasLate).toBe(true);
    expect(ask(weir, 'f.example').wasLate).toBe(false);
  });

  it('are dropped and counted where it is configured', () => {
    const weir = harness({ ...limits, outstandingExcess: 'drop' });
    for (const name of ['a.example', 'b.example', 'c.example']) ask(weir, name);
    expect(ask(weir, 'd.example').message).toBeUndefined();
    expect(limited(weir, LimitRow.outstanding, LimitOutcomeRow.dropped)).toBe(1);
    expect(weir.cells[dropCounter(DropRow.rateLimited)]).toBe(1);
  });

  it('get a stale answer where there is one', () => {
    const weir = harness(limits);
    answered(weir, 'stale.example', 1);
    weir.advance(2000);
    for (const name of ['a.example', 'b.example', 'c.example']) ask(weir, name);
    expect(ask(weir, 'stale.example').decoded.answers).toHaveLength(1);
    expect(limited(weir, LimitRow.outstanding, LimitOutcomeRow.stale)).toBe(1);
  });

  it('are not limited at 0, nor for who is exempt', () => {
    for (const more of [{ outstandingPerClientMax: 0 }, { ...limits, exempt: [CLIENT] }]) {
      const weir = harness(more);
      for (let index = 0; index < 50; index++) expect(ask(weir, `${index}.n${index}.example`).wasLate).toBe(true);
    }
  });
});

describe('what the upstream side has no room for', () => {
  it.each([
    ['servfail', 1, LimitOutcomeRow.failed],
    ['drop', 0, LimitOutcomeRow.dropped],
  ])('%s', (outstandingExcess, sent, outcome) => {
    const weir = harness({ outstandingExcess });
    const reply = weir.ask('a.example', { client: CLIENT });
    weir.upstream.last.end({ kind: 'failed', reason: 'overload' });
    expect([reply.sent, reply.abandoned]).toEqual([sent, 1 - sent]);
    if (sent === 1) expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(limited(weir, LimitRow.outstanding, outcome)).toBe(1);
    expect(weir.cells[dropCounter(DropRow.rateLimited)]).toBe(1 - sent);
  });
});
