import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Answer } from '../../../src/data-plane/cache/answer.ts';
import {
  type Exchange,
  type ExchangeEvents,
  Exchanges,
  STALE_ANSWER_AFTER_MS,
  STALE_PENDING_MAX,
  WAITER_BYTES_MAX,
  WAITERS_PER_EXCHANGE_MAX,
} from '../../../src/data-plane/exchanges.ts';
import { Waiter } from '../../../src/data-plane/waiter.ts';
import { KeyedHash } from '../../../src/data-plane/limits/keyed-hash.ts';
import { encodeOption } from '../../../src/dns/edns.ts';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { EdnsOption, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { VerdictRow, TransportRow } from '../../../src/telemetry/counter-labels.ts';
import { Counter, responseCounter } from '../../../src/telemetry/counters.ts';
import { freezeClock, ResolverHarness, ScriptedUpstream } from '../../support/resolver-harness.ts';
import { aRecord } from '../../support/scripted-answers.ts';
import { wireName } from '../../support/wire.ts';

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
      weir.ask(NAME, { transport: TransportRow.tcp }),
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

  it('share with their own name alone where another has the same key, and each gets its own answer', () => {
    const weir = new ResolverHarness();
    vi.spyOn(weir.resolver.cache, 'keyOf').mockReturnValue(7);
    const one = weir.ask('one.example');
    const two = weir.ask('two.example');
    expect(weir.upstream.asks).toHaveLength(2);
    const twoAgain = weir.ask('two.example');
    weir.upstream.asks[0]!.answer({ answers: [aRecord('one.example', '192.0.2.1')] });
    weir.upstream.asks[1]!.answer({ answers: [aRecord('two.example', '192.0.2.2')] });
    expect(weir.upstream.asks).toHaveLength(2);
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
    const padding = encodeOption(65_001, new Uint8Array(60_000));
    const accepted = Math.floor(WAITER_BYTES_MAX / 60_100);
    let refused = 0;
    for (let index = 0; index < accepted + 20; index++) {
      const fields = { transport: TransportRow.tcp, options: [padding] };
      if (!weir.ask(`n${index % 10}.example`, fields).wasLate) refused++;
    }
    expect(refused).toBeGreaterThan(0);
    for (const ask of weir.upstream.asks) ask.answer({});
    expect(weir.resolver.waiterCount).toBe(0);
    expect(weir.ask('after.example', { options: [padding], transport: TransportRow.tcp }).wasLate).toBe(true);
  });
});

describe('the padding of a query that waits', () => {
  it('is not kept, and the query answered as it came', () => {
    const weir = new ResolverHarness();
    const padding = encodeOption(EdnsOption.PADDING, new Uint8Array(60_000));
    const cookie = encodeOption(EdnsOption.COOKIE, new Uint8Array(8).fill(7));
    const nsid = encodeOption(EdnsOption.NSID, new Uint8Array(0));
    const fields = { transport: TransportRow.tcp, options: [nsid, padding, cookie], dnssecOk: true };
    const replies = Array.from({ length: Math.ceil(WAITER_BYTES_MAX / 60_000) + 10 }, () => weir.ask(NAME, fields));
    expect(replies.every(({ wasLate }) => wasLate)).toBe(true);
    weir.upstream.last.answer(ANSWER);
    for (const { decoded } of replies) {
      expect(decoded.answers).toHaveLength(1);
      expect(decoded.edns?.dnssecOk).toBe(true);
      expect(decoded.edns?.options.map(({ code }) => code)).toEqual([EdnsOption.COOKIE, EdnsOption.NSID]);
    }
  });
});

describe('exchanges that a stale answer may stand in for', () => {
  it('are limited; the clients of one more get the stale answer when it ends', () => {
    const upstream = new ScriptedUpstream();
    const late: Exchange[] = [];
    const events: ExchangeEvents = {
      onAnswer: () => true,
      onOutcome: () => undefined,
      onLate: (exchange) => void late.push(exchange),
    };
    const exchanges = new Exchanges(upstream, events, new KeyedHash());
    const name = wireName(NAME);
    const query = { bytes: name, qnameStart: 0, qnameBytes: name.length, qtype: RecordType.A, dnssecOk: false };
    const stale = Object.assign(new Answer(), { staleUntilMs: 1e9 });
    for (let key = 0; key < STALE_PENDING_MAX + 5; key++) {
      const exchange = exchanges.start(key, query, false, stale, 0);
      if (key % 1000 === 0 || key >= STALE_PENDING_MAX) exchanges.wait(exchange, new Waiter());
    }
    upstream.asks[0]!.end({ kind: 'failed', reason: 'network' });
    exchanges.tick(STALE_ANSWER_AFTER_MS - 1);
    expect(late).toHaveLength(0);
    exchanges.tick(STALE_ANSWER_AFTER_MS);
    expect(late.map(({ key }) => key)).toEqual(Array.from({ length: 19 }, (_, index) => (index + 1) * 1000));
    exchanges.tick(STALE_ANSWER_AFTER_MS + 100);
    expect(late).toHaveLength(19);
    expect(exchanges.waiterCount).toBe(5);
  });
});

describe('two exchanges with one key', () => {
  it('end apart: the end of the one that does not hold the key leaves the other to be shared', () => {
    const weir = new ResolverHarness();
    vi.spyOn(weir.resolver.cache, 'keyOf').mockReturnValue(7);
    weir.ask('one.example');
    weir.ask('two.example');
    weir.upstream.asks[1]!.answer({ answers: [aRecord('two.example')] });
    weir.ask('one.example');
    expect(weir.upstream.asks).toHaveLength(2);
    expect(weir.resolver.isAwaiting(weir.respond.nowMs())).toBe(true);
    expect(weir.resolver.waiterCount).toBe(2);
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
    // Why: reading nothing throws, as a bug in the reader would.
    expect(weir.upstream.last.receiver.onAnswer(undefined as never, 0, 100, 0)).toBe(false);
    weir.upstream.last.end({ kind: 'failed', reason: 'malformed' });
    expect(replies.map(({ decoded }) => decoded.rcode)).toEqual([Rcode.SERVFAIL, Rcode.SERVFAIL]);
    expect(weir.bugs).toHaveLength(1);
    expect(weir.resolver.waiterCount).toBe(0);
  });

  it('met while one client is answered is SERVFAIL for that one, and the others get their answer', () => {
    const weir = new ResolverHarness();
    const replies = [weir.ask(NAME), weir.ask(NAME), weir.ask(NAME)];
    vi.spyOn(weir.respond, 'answer').mockImplementationOnce(() => {
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
