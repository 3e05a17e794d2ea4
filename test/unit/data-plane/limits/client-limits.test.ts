import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeaderFlag } from '../../../../src/dns/iana.ts';
import { DropRow, LimitOutcomeRow, LimitRow, TransportRow } from '../../../../src/telemetry/counter-labels.ts';
import { dropCounter, limitCounter } from '../../../../src/telemetry/counters.ts';
import { freezeClock, ResolverHarness, type TestReply } from '../../../support/resolver-harness.ts';

beforeEach(freezeClock);
afterEach(() => {
  vi.useRealTimers();
});

const EVERYONE = { allow: ['0.0.0.0/0', '::/0'] };
const LISTED = [{ name: 'listed.example' }];

function harness(limits: Record<string, unknown>, clients: unknown = EVERYONE): ResolverHarness {
  return new ResolverHarness({ config: { limits, clients }, entries: LISTED });
}

/** What became of `count` queries, in a row. */
function outcomes(weir: ResolverHarness, count: number, client: string, transport: number = TransportRow.udp): string {
  let text = '';
  for (let index = 0; index < count; index++) text += outcome(weir.ask('listed.example', { client, transport }));
  return text;
}

function outcome(reply: TestReply): string {
  if (reply.message === undefined) return '-';
  const { rcode, flags } = reply.decoded;
  return (flags & HeaderFlag.TC) === 0 ? String(rcode) : 'T';
}

describe('responses to a client prefix over UDP', () => {
  it('beyond the limit: one in `slip` says TC, the others are dropped and counted', () => {
    const weir = harness({ responsesPerSecondMax: 4, slip: 3 });
    expect(outcomes(weir, 10, '192.0.2.1')).toBe('0000--T--T');
    expect(weir.cells[limitCounter(LimitRow.responses, LimitOutcomeRow.truncated)]).toBe(2);
    expect(weir.cells[limitCounter(LimitRow.responses, LimitOutcomeRow.dropped)]).toBe(4);
    expect(weir.cells[dropCounter(DropRow.rateLimited)]).toBe(4);
    weir.advance(250);
    expect(outcomes(weir, 2, '192.0.2.1')).toBe('0-');
  });

  it('says TC with the question and without records', () => {
    const weir = harness({ responsesPerSecondMax: 1, slip: 1 });
    outcomes(weir, 1, '192.0.2.1');
    const { questions, answers, rcode, edns } = weir.ask('listed.example', { client: '192.0.2.1' }).decoded;
    expect([questions.length, answers.length, rcode, edns !== undefined]).toEqual([1, 0, 0, true]);
  });

  it('slip 0: none says so; slip 1: all do', () => {
    expect(outcomes(harness({ responsesPerSecondMax: 1, slip: 0 }), 4, '192.0.2.1')).toBe('0---');
    expect(outcomes(harness({ responsesPerSecondMax: 1, slip: 1 }), 4, '192.0.2.1')).toBe('0TTT');
  });

  it('count by /24 and /56, or as configured', () => {
    const limits = { responsesPerSecondMax: 1, slip: 0 };
    const weir = harness(limits);
    const each = (at: ResolverHarness, ...clients: string[]): string =>
      clients.map((client) => outcomes(at, 1, client)).join('');
    expect(each(weir, '192.0.2.1', '192.0.2.200', '192.0.3.1')).toBe('0-0');
    expect(each(weir, '2001:db8:0:100::1', '2001:db8:0:1ff::1', '2001:db8:0:200::1')).toBe('0-0');
    const other = harness({ ...limits, responsesIpv4PrefixBits: 32, responsesIpv6PrefixBits: 24 });
    expect(each(other, '192.0.2.1', '192.0.2.200', '192.0.2.1')).toBe('00-');
    expect(each(other, '2001:db8::1', '2001:dff::1', '2001:e00::1')).toBe('0-0');
  });

  it('are not limited over TCP', () => {
    const weir = harness({ responsesPerSecondMax: 1, slip: 0 });
    expect(outcomes(weir, 5, '192.0.2.1', TransportRow.tcp)).toBe('00000');
  });

  it('are limited for those who are refused, too', () => {
    const weir = harness({ responsesPerSecondMax: 2, slip: 0 }, { allow: ['127.0.0.0/8'] });
    expect(outcomes(weir, 4, '192.0.2.1')).toBe('55--');
  });

  it('a limited query is not asked upstream', () => {
    const weir = harness({ responsesPerSecondMax: 1, slip: 1 });
    for (const name of ['one.example', 'two.example']) weir.ask(name, { client: '192.0.2.1' });
    expect(weir.upstream.asks).toHaveLength(1);
  });
});

describe('queries of a client', () => {
  const limits = { queriesPerSecondMax: 2, queriesBurstMax: 3, slip: 0 };
  const { tcp, dot, doh } = TransportRow;

  it.each([TransportRow.udp, tcp, dot, doh])('beyond the limit are dropped, over transport %i', (transport) => {
    const weir = harness(limits);
    expect(outcomes(weir, 5, '192.0.2.1', transport)).toBe('000--');
    expect(outcomes(weir, 1, '192.0.2.2', transport)).toBe('0');
    expect(weir.cells[limitCounter(LimitRow.queries, LimitOutcomeRow.dropped)]).toBe(2);
    weir.advance(500);
    expect(outcomes(weir, 2, '192.0.2.1', transport)).toBe('0-');
  });

  it('count together over all transports on which an address cannot be forged', () => {
    const weir = harness(limits);
    expect([tcp, dot, doh, tcp].map((transport) => outcomes(weir, 1, '192.0.2.1', transport)).join('')).toBe('000-');
  });

  it('over UDP, where others may ask in its name, take nothing from those over a connection', () => {
    const weir = harness(limits);
    expect(outcomes(weir, 50, '192.0.2.1')).toBe(`000${'-'.repeat(47)}`);
    expect(outcomes(weir, 4, '192.0.2.1', tcp)).toBe('000-');
  });

  it('beyond the limit over UDP say TC as often as `slip` says, over connections never', () => {
    const weir = harness({ ...limits, slip: 2 });
    expect(outcomes(weir, 7, '192.0.2.1')).toBe('000-T-T');
    expect(weir.cells[limitCounter(LimitRow.queries, LimitOutcomeRow.truncated)]).toBe(2);
    expect(outcomes(weir, 6, '192.0.2.1', tcp)).toBe('000---');
  });

  it('are refused where it is configured, with the reason', () => {
    const weir = harness({ ...limits, excess: 'refuse' });
    expect(outcomes(weir, 4, '192.0.2.1')).toBe('0005');
    const { edns } = weir.ask('listed.example', { client: '192.0.2.1' }).decoded;
    expect(edns?.extendedErrors).toEqual([{ infoCode: 0, text: 'too many queries from this client' }]);
    expect(weir.cells[limitCounter(LimitRow.queries, LimitOutcomeRow.refused)]).toBe(2);
  });

  it('of IPv6 count by /64', () => {
    const weir = harness(limits);
    expect(outcomes(weir, 3, '2001:db8::1') + outcomes(weir, 1, '2001:db8::ffff:2')).toBe('000-');
    expect(outcomes(weir, 1, '2001:db8:0:1::1')).toBe('0');
  });

  it('of link-local addresses, which share one /64, count each', () => {
    const weir = harness(limits);
    expect(outcomes(weir, 4, 'fe80::1')).toBe('000-');
    expect(outcomes(weir, 1, 'fe80::2')).toBe('0');
    expect(outcomes(weir, 4, 'fe80::0204:61ff:fe9d:f156')).toBe('000-');
    expect(outcomes(weir, 1, 'fe80::0205:61ff:fe9d:f156')).toBe('0');
    expect(outcomes(weir, 1, 'fec0::1')).toBe('0');
  });
});

describe('exempt', () => {
  const limits = { queriesPerSecondMax: 1, queriesBurstMax: 1, responsesPerSecondMax: 1, slip: 0 };

  it('are loopback clients, unless told otherwise', () => {
    for (const client of ['127.0.0.1', '127.9.9.9', '::1']) {
      expect(outcomes(harness(limits), 3, client)).toBe('000');
      expect(outcomes(harness({ ...limits, exemptLoopback: false }), 3, client)).toBe('0--');
    }
  });

  it('are the prefixes of limits.exempt, and nobody beside them', () => {
    const weir = harness({ ...limits, exempt: ['192.0.2.0/25', '2001:db8::/32'] });
    for (const client of ['192.0.2.127', '2001:db8:ffff::1']) expect(outcomes(weir, 3, client)).toBe('000');
    for (const client of ['192.0.3.1', '2001:db9::1', '::2']) expect(outcomes(weir, 3, client)).toBe('0--');
  });
});

it('a limit of 0 is none, and a reload changes limits', () => {
  const weir = harness({ queriesPerSecondMax: 0, responsesPerSecondMax: 0 });
  expect(outcomes(weir, 20, '192.0.2.1')).toBe('0'.repeat(20));
  const { limits } = harness({ responsesPerSecondMax: 1, slip: 0 }).config;
  weir.resolver.configure({ ...weir.config, limits });
  expect(outcomes(weir, 3, '192.0.2.1')).toBe('0--');
});
