import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WAITER_BYTES_MAX, WAITERS_PER_EXCHANGE_MAX } from '../../../src/data-plane/exchanges.ts';
import { Transport } from '../../../src/data-plane/listener/arrival.ts';
import { encodeOption } from '../../../src/dns/edns.ts';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { EdnsOption, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { VerdictRow } from '../../../src/telemetry/counter-labels.ts';
import { Counter, responseCounter } from '../../../src/telemetry/counters.ts';
import { freezeClock, ResolverHarness } from '../../support/resolver-harness.ts';
import { aRecord } from '../../support/scripted-answers.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';
const ANSWER = { answers: [aRecord(NAME)] };

describe('identical questions under way', () => {
  it('share one exchange; each gets its own id, letter case and size', () => {
    const weir = new ResolverHarness();
    const replies = [
      weir.ask(NAME),
      weir.ask('WWW.example'),
      weir.ask(NAME, { udpPayloadBytes: 0 }),
      weir.ask(NAME, { transport: Transport.tcp }),
    ];
    expect(weir.upstream.asks).toHaveLength(1);
    expect(weir.resolver.waiterCount).toBe(4);
    expect(weir.cells[Counter.sharedExchanges]).toBe(3);
    weir.upstream.last.answer(ANSWER);
    expect(weir.resolver.waiterCount).toBe(0);
    for (const reply of replies) {
      expect(reply.sent).toBe(1);
      expect(reply.decoded.answers).toHaveLength(1);
    }
    expect(replies.map(({ decoded }) => decoded.questions[0]?.name)).toEqual([NAME, 'WWW.example', NAME, NAME]);
    expect(replies.map(({ decoded }) => decoded.edns === undefined)).toEqual([false, false, true, false]);
  });

  it('do not share with another type, DO or CD', () => {
    const weir = new ResolverHarness();
    weir.ask(NAME);
    weir.ask(NAME, { type: RecordType.AAAA });
    weir.ask(NAME, { dnssecOk: true });
    weir.ask(NAME, { checkingDisabled: true });
    expect(weir.upstream.asks).toHaveLength(4);
  });

  it('do not share with another name whose key is the same, and each gets its own answer', () => {
    const weir = new ResolverHarness();
    vi.spyOn(weir.resolver.cache, 'keyOf').mockReturnValue(7);
    const one = weir.ask('one.example');
    const two = weir.ask('two.example');
    expect(weir.upstream.asks).toHaveLength(2);
    const twoAgain = weir.ask('two.example');
    weir.upstream.asks[1]!.answer({ answers: [aRecord('two.example', '192.0.2.2')] });
    weir.upstream.asks[0]!.answer({ answers: [aRecord('one.example', '192.0.2.1')] });
    weir.upstream.asks[2]!.answer({ answers: [aRecord('two.example', '192.0.2.2')] });
    expect([one, two, twoAgain].map(({ decoded }) => decoded.answers[0]?.data)).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.2',
    ]);
    expect(weir.ask('two.example').wasLate).toBe(false);
    expect(weir.ask('one.example').wasLate).toBe(true);
  });

  it('are asked anew once the exchange has ended', () => {
    const weir = new ResolverHarness();
    weir.ask(NAME);
    weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.1', 0)] });
    weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(2);
  });
});

describe('clients that wait', () => {
  it('are limited for one exchange; one more gets SERVFAIL at once and the others their answer', () => {
    const weir = new ResolverHarness();
    const waiting = Array.from({ length: WAITERS_PER_EXCHANGE_MAX }, () => weir.ask(NAME));
    const refused = weir.ask(NAME);
    expect(refused.wasLate).toBe(false);
    expect(refused.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(refused.infoCodes).toEqual([ExtendedError.other]);
    expect(weir.ask('other.example').wasLate).toBe(true);
    weir.upstream.asks[0]!.answer(ANSWER);
    expect(waiting.every(({ sent }) => sent === 1)).toBe(true);
  });

  it('are limited in the octets of their queries', () => {
    const weir = new ResolverHarness();
    const padding = encodeOption(EdnsOption.PADDING, new Uint8Array(60_000));
    const accepted = Math.floor(WAITER_BYTES_MAX / 60_100);
    let refused = 0;
    for (let index = 0; index < accepted + 20; index++) {
      const fields = { transport: Transport.tcp, options: [padding] };
      if (!weir.ask(`n${index % 10}.example`, fields).wasLate) refused++;
    }
    expect(refused).toBeGreaterThan(0);
    for (const ask of weir.upstream.asks) ask.answer({});
    expect(weir.resolver.waiterCount).toBe(0);
    expect(weir.ask('after.example', { options: [padding], transport: Transport.tcp }).wasLate).toBe(true);
  });
});

describe('a bug', () => {
  it('on the way to the upstream is SERVFAIL and a count, and the next query is asked for again', () => {
    const weir = new ResolverHarness();
    weir.upstream.bug = new Error('a bug');
    expect(weir.ask(NAME).decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(weir.bugs).toHaveLength(1);
    expect(weir.cells[responseCounter(Rcode.SERVFAIL, VerdictRow.error)]).toBe(1);
    const next = weir.ask(NAME);
    expect(next.wasLate).toBe(true);
    weir.upstream.last.answer(ANSWER);
    expect(next.decoded.answers).toHaveLength(1);
  });

  it('met while an answer is read is SERVFAIL for everyone who waits', () => {
    const weir = new ResolverHarness();
    const replies = [weir.ask(NAME), weir.ask(NAME)];
    weir.upstream.last.end({
      kind: 'answer',
      get message(): Uint8Array {
        throw new Error('a bug');
      },
    });
    expect(replies.map(({ decoded }) => decoded.rcode)).toEqual([Rcode.SERVFAIL, Rcode.SERVFAIL]);
    expect(weir.bugs).toHaveLength(1);
    expect(weir.resolver.waiterCount).toBe(0);
  });

  it('met while one client is answered is SERVFAIL for that one, and the others get their answer', () => {
    const weir = new ResolverHarness();
    const replies = [weir.ask(NAME), weir.ask(NAME), weir.ask(NAME)];
    vi.spyOn(weir.respond, 'judge').mockImplementationOnce(() => {
      throw new Error('a bug');
    });
    weir.upstream.last.answer(ANSWER);
    expect(replies.map(({ decoded }) => decoded.rcode)).toEqual([Rcode.SERVFAIL, Rcode.NOERROR, Rcode.NOERROR]);
    expect(weir.bugs).toHaveLength(1);
  });

  it('in the answering half is SERVFAIL with the query’s question and OPT', () => {
    const weir = new ResolverHarness();
    vi.spyOn(weir.respond, 'judge').mockImplementationOnce(() => {
      throw new Error('a bug');
    });
    const { decoded } = weir.ask('WWW.example');
    expect(decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(decoded.questions[0]?.name).toBe('WWW.example');
    expect(decoded.edns).toBeDefined();
  });
});
