import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientOctets } from '../../../src/policy/address.ts';
import { RolloutShare } from '../../../src/policy/rollout-share.ts';
import { publishedList, ruleWords } from '../../support/publish-policy.ts';
import { Counter, responseCounter } from '../../../src/telemetry/counters.ts';
import { VerdictRow } from '../../../src/telemetry/counter-labels.ts';
import { freezeClock, ResolverHarness, type TestReply } from '../../support/resolver-harness.ts';
import { aRecord, cnameRecord } from '../../support/scripted-answers.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const SINKHOLE = '127.0.0.1';
const REAL = '192.0.2.7';

const rollouts = {
  key: new Uint8Array(16).fill(3),
  stages: [{ listIndex: 0, slot: 1, permyriad: 5000 }],
};
const policy = { rollouts };
const staged = { name: 'bad.example', rolloutSlot: 1 };

/** A client in the rollout, and one that is not. */
const [IN, OUT] = [true, false].map((isIn) => {
  const share = new RolloutShare(rollouts, [publishedList({}, 0)]);
  const [word0] = ruleWords(staged);
  return Array.from({ length: 64 }, (_, i) => `127.0.${i}.1`).find(
    (text) => share.has(word0, clientOctets(text)!) === isIn,
  )!;
}) as [string, string];

function addresses(reply: TestReply): string[] {
  return reply.decoded.answers.flatMap(({ type, data }) => (type === 1 ? [data] : []));
}

describe('a rule that is being rolled out', () => {
  it('blocks who is in; the others are answered, from the cache too', () => {
    const weir = new ResolverHarness({ entries: [staged], policy });
    expect(addresses(weir.ask('bad.example', { client: IN }))).toEqual([SINKHOLE]);
    const late = weir.ask('bad.example', { client: OUT });
    weir.upstream.last.answer({ answers: [aRecord('bad.example', REAL)] });
    expect(addresses(late)).toEqual([REAL]);
    expect(addresses(weir.ask('bad.example', { client: OUT }))).toEqual([REAL]);
    expect(addresses(weir.ask('bad.example', { client: IN }))).toEqual([SINKHOLE]);
  });

  it('is asked again for each client who waits when their answer comes', () => {
    const weir = new ResolverHarness({ policy });
    const [inIt, out] = [weir.ask('bad.example', { client: IN }), weir.ask('bad.example', { client: OUT })];
    weir.publish([staged], policy);
    weir.upstream.last.answer({ answers: [aRecord('bad.example', REAL)] });
    expect([addresses(inIt), addresses(out)]).toEqual([[SINKHOLE], [REAL]]);
  });

  it('blocks by what an answer leads to those who are in, whoever asked before', () => {
    const weir = new ResolverHarness({ entries: [staged], policy });
    const first = weir.ask('www.example', { client: OUT });
    const chain = [cnameRecord('www.example', 'bad.example'), aRecord('bad.example', REAL)];
    weir.upstream.last.answer({ answers: chain });
    expect(addresses(first)).toEqual([REAL]);
    expect(addresses(weir.ask('www.example', { client: OUT }))).toEqual([REAL]);
    expect(addresses(weir.ask('www.example', { client: IN }))).toEqual([SINKHOLE]);
    expect(addresses(weir.ask('www.example', { client: OUT }))).toEqual([REAL]);
  });
});

describe('an exception for the clients of a prefix', () => {
  const [HERE, THERE] = ['127.0.0.9', '127.0.1.9'];
  const untilSeconds = (): number => Math.floor(Date.now() / 1000) + 60;
  const exceptionFor = (name: string) => ({
    exceptions: [{ clients: '127.0.0.0/24', name, untilSeconds: untilSeconds() }],
  });
  const counted = ({ cells }: ResolverHarness) => ({
    exceptions: cells[Counter.exceptionAnswers],
    allowlisted: cells[responseCounter(0, VerdictRow.allowlisted)],
    blocked: cells[responseCounter(0, VerdictRow.blocked)],
  });

  it('lets them through and nobody else, at once and late, until it ends to the second; each is counted', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'bad.example' }], policy: exceptionFor('bad.example') });
    const late = weir.ask('bad.example', { client: HERE });
    weir.upstream.last.answer({ answers: [aRecord('bad.example', REAL, 3600)] });
    expect(addresses(late)).toEqual([REAL]);
    expect(addresses(weir.ask('bad.example', { client: HERE }))).toEqual([REAL]);
    expect(addresses(weir.ask('bad.example', { client: THERE }))).toEqual([SINKHOLE]);
    expect(counted(weir)).toEqual({ exceptions: 2, allowlisted: 2, blocked: 1 });
    weir.advance(59_000);
    expect(addresses(weir.ask('bad.example', { client: HERE }))).toEqual([REAL]);
    weir.advance(1_000);
    expect(addresses(weir.ask('bad.example', { client: HERE }))).toEqual([SINKHOLE]);
  });

  it.each(['www.example', 'bad.example'])('for %s covers a chain from the one to the other', (name) => {
    const weir = new ResolverHarness({ entries: [{ name: 'bad.example' }], policy: exceptionFor(name) });
    const late = weir.ask('www.example', { client: HERE });
    weir.upstream.last.answer({ answers: [cnameRecord('www.example', 'bad.example'), aRecord('bad.example', REAL)] });
    expect(addresses(late)).toEqual([REAL]);
    expect(addresses(weir.ask('www.example', { client: THERE }))).toEqual([SINKHOLE]);
    expect(addresses(weir.ask('www.example', { client: HERE }))).toEqual([REAL]);
    expect(counted(weir)).toEqual({ exceptions: 2, allowlisted: 2, blocked: 1 });
  });

  it('that is taken back while an answer is on its way blocks it', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'bad.example' }], policy: exceptionFor('bad.example') });
    const late = weir.ask('bad.example', { client: HERE });
    weir.publish([{ name: 'bad.example' }]);
    weir.upstream.last.answer({ answers: [aRecord('bad.example', REAL)] });
    expect(addresses(late)).toEqual([SINKHOLE]);
  });
});
