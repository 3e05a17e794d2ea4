/** RFC 9520, Negative Caching of DNS Resolution Failures. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rcode } from '../../src/dns/iana.ts';
import { freezeClock, ResolverHarness } from '../support/resolver-harness.ts';
import type { UpstreamOutcome } from '../../src/data-plane/upstream/upstream.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';

function failed(outcome?: UpstreamOutcome): ResolverHarness {
  const weir = new ResolverHarness();
  weir.ask(NAME);
  if (outcome === undefined) weir.upstream.last.answer({ rcode: Rcode.SERVFAIL });
  else weir.upstream.last.end(outcome);
  return weir;
}

describe('RFC 9520', () => {
  it.each<[string, UpstreamOutcome | undefined]>([
    ['2.1 a server failure', undefined],
    ['2.3 no answer in time', { kind: 'failed', reason: 'timeout' }],
    ['2.3 a network that fails', { kind: 'failed', reason: 'network' }],
    ['2.5 an answer that makes no sense', { kind: 'failed', reason: 'malformed' }],
  ])('3.2 resolution failures are cached "for at least 1 second": %s', (_, outcome) => {
    const weir = failed(outcome);
    weir.advance(999);
    for (let count = 0; count < 100; count++) expect(weir.ask(NAME)).toMatchObject({ wasLate: false, sent: 1 });
    expect(weir.upstream.asks).toHaveLength(1);
    expect(weir.ask(NAME).decoded).toMatchObject({ rcode: Rcode.SERVFAIL, answers: [] });
  });

  it('3.2 and not for longer than five minutes: after a second the upstream is asked again', () => {
    const weir = failed();
    weir.advance(1_000);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('3.3 what has failed is one name and type: others are asked for', () => {
    const weir = failed();
    expect(weir.ask(NAME, { type: 28 }).wasLate).toBe(true);
    expect(weir.ask(`a.${NAME}`).wasLate).toBe(true);
  });

  it('3.1 no more than one question for a name is under way, however many wait', () => {
    const weir = new ResolverHarness();
    for (let count = 0; count < 50; count++) weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(1);
  });
});
