/** RFC 8767, Serving Stale Data to Improve DNS Resiliency. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ExtendedError } from '../../src/dns/extended-error.ts';
import { Rcode } from '../../src/dns/iana.ts';
import { freezeClock, ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord, soaOf } from '../support/scripted-answers.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';
const TTL_SECONDS = 60;

/** With an answer in the cache that has just expired. */
function expired(config: object = {}): ResolverHarness {
  const weir = new ResolverHarness({ config: { cache: config } });
  weir.ask(NAME);
  weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.7', TTL_SECONDS)] });
  weir.advance(TTL_SECONDS * 1000);
  return weir;
}

const failure = { kind: 'failed', reason: 'timeout' } as const;

describe('RFC 8767', () => {
  it('4 stale data is for when refreshing fails: the upstream is asked first', () => {
    const weir = expired();
    const reply = weir.ask(NAME);
    expect(reply.wasLate).toBe(true);
    weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.8', 100)] });
    expect(reply.decoded.answers).toMatchObject([{ data: '192.0.2.8', ttlSeconds: 100 }]);
    expect(reply.infoCodes).toEqual([]);
  });

  it('4 "MUST set the TTL of each expired record in the message to a value greater than 0, with a RECOMMENDED value of 30 seconds"', () => {
    const weir = expired();
    const reply = weir.ask(NAME);
    weir.upstream.last.end(failure);
    expect(reply.ttls).toEqual([30]);
    expect(reply.decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [{ data: '192.0.2.7' }] });
  });

  it('RFC 8914 4.4 a stale answer says so with EDE 3, a stale NXDOMAIN with EDE 19', () => {
    const weir = expired();
    const reply = weir.ask(NAME);
    weir.upstream.last.end(failure);
    expect(reply.infoCodes).toEqual([ExtendedError.staleAnswer]);
    weir.ask('none.example');
    weir.upstream.last.answer({ rcode: Rcode.NXDOMAIN, authorities: [soaOf('example', 5)] });
    weir.advance(5_000);
    const none = weir.ask('none.example');
    weir.upstream.last.end(failure);
    expect([none.decoded.rcode, none.infoCodes]).toEqual([Rcode.NXDOMAIN, [ExtendedError.staleNxdomainAnswer]]);
  });

  it.each([Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOTIMP])(
    '4 an upstream that answers rcode %i has refreshed nothing',
    (rcode) => {
      const weir = expired();
      const reply = weir.ask(NAME);
      weir.upstream.last.answer({ rcode });
      expect(reply.decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [{ data: '192.0.2.7' }] });
    },
  );

  it.each([Rcode.NOERROR, Rcode.NXDOMAIN])(
    '4 an answer with rcode %i is "considered to have refreshed the data"',
    (rcode) => {
      const weir = expired();
      const reply = weir.ask(NAME);
      weir.upstream.last.answer({ rcode, authorities: [soaOf('example', 60)] });
      expect(reply.decoded).toMatchObject({ rcode, answers: [] });
      weir.advance(60_000);
      const later = weir.ask(NAME);
      weir.upstream.last.end(failure);
      expect(later.decoded).toMatchObject({ rcode, answers: [] });
    },
  );

  it('5 the client response timer, 1.8 seconds: whoever waits that long gets the stale answer, and the refresh goes on', () => {
    const weir = expired();
    const reply = weir.ask(NAME);
    weir.advance(1_700);
    expect(reply.sent).toBe(0);
    weir.advance(200);
    expect(reply.ttls).toEqual([30]);
    weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.8', 100)] });
    expect(weir.ask(NAME).decoded.answers).toMatchObject([{ data: '192.0.2.8' }]);
  });

  it('5 the failure recheck timer, 30 seconds: an upstream that has just failed is not asked again by every query', () => {
    const weir = expired();
    weir.ask(NAME);
    weir.upstream.last.end(failure);
    const asks = weir.upstream.asks.length;
    weir.advance(29_000);
    expect(weir.ask(NAME).ttls).toEqual([30]);
    expect(weir.upstream.asks).toHaveLength(asks);
    weir.advance(1_000);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('5 the maximum stale timer: what is older is no answer', () => {
    const weir = expired({ staleSecondsMax: 3_600 });
    weir.advance(3_599_999);
    const last = weir.ask(NAME);
    weir.upstream.last.end(failure);
    expect(last.decoded.rcode).toBe(Rcode.NOERROR);
    weir.advance(1);
    const reply = weir.ask(NAME);
    if (reply.wasLate) weir.upstream.last.end(failure);
    expect(reply.decoded).toMatchObject({ rcode: Rcode.SERVFAIL, answers: [] });
  });

  it('6 an operator may turn it off', () => {
    const weir = expired({ staleSecondsMax: 0 });
    const reply = weir.ask(NAME);
    weir.upstream.last.end(failure);
    expect(reply.decoded).toMatchObject({ rcode: Rcode.SERVFAIL, answers: [] });
  });

  it('7 a name listed meanwhile is blocked, however stale its answer', () => {
    const weir = expired();
    const waiting = weir.ask(NAME);
    weir.publish([{ name: NAME }]);
    weir.upstream.last.end(failure);
    for (const { decoded } of [waiting, weir.ask(NAME)])
      expect(decoded.answers.map(({ data }) => data)).toEqual(['127.0.0.1']);
  });
});
