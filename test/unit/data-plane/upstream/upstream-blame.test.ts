/** Who is asked less for an error that another upstream did not have. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { blame } from '../../../../src/data-plane/upstream/choose.ts';
import { Rcode } from '../../../../src/dns/iana.ts';
import { changeUpstreams, configureUpstreams } from '../../../support/changed-upstreams.ts';
import { type FakeQuery, respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import { ask, closeAll, openPool, rcodeOf, track } from '../../../support/upstream-harness.ts';

vi.mock(import('../../../../src/data-plane/upstream/choose.ts'), async (original) => {
  const real = await original();
  return { ...real, blame: vi.fn(real.blame) };
});

afterEach(async () => {
  vi.mocked(blame).mockClear();
  await closeAll();
});

const failing = async () => track(await startFakeUpstream((query) => respond(query, { rcode: Rcode.SERVFAIL })));

test('an upstream that says SERVFAIL where another then knows the answer is blamed, and only it', async () => {
  const bad = await failing();
  const pool = openPool([track(await startFakeUpstream()), bad]);
  while (bad.queries.length === 0) await ask(pool, 'www.example.com');
  expect(blame).toHaveBeenCalledTimes(1);
  const [states, badMask] = vi.mocked(blame).mock.calls[0]!;
  expect(badMask).toBe(0b10);
  expect(states.map(({ badShare }) => badShare > 0)).toEqual([false, true]);
});

test('where every upstream says so, the name is to blame and none of them', async () => {
  const pool = openPool([await failing(), await failing()]);
  for (let count = 0; count < 5; count++) await ask(pool, 'www.example.com');
  expect(blame).not.toHaveBeenCalled();
});

test('an upstream is not blamed for what the one in its place before it said, before the change or after', async () => {
  const { asked, outcome } = await changeUpstreams([track(await startFakeUpstream())]);
  asked.reply(respond(asked, { rcode: Rcode.SERVFAIL }));
  expect(rcodeOf(await outcome)).toBe(Rcode.NOERROR);
  expect(blame).not.toHaveBeenCalled();
});

describe('of two upstreams, one of which has said SERVFAIL and the other nothing yet, when one is changed', () => {
  /** Their places, and the question to the other one. */
  async function halfway() {
    const queries: FakeQuery[] = [];
    const script = (query: FakeQuery): Uint8Array | undefined =>
      queries.push(query) === 1 ? respond(query, { rcode: Rcode.SERVFAIL }) : undefined;
    const upstreams = [track(await startFakeUpstream(script)), track(await startFakeUpstream(script))];
    const pool = openPool(upstreams);
    const outcome = ask(pool, 'www.example.com');
    await Promise.all(upstreams.map((upstream) => upstream.received(1)));
    const bad = upstreams[0]!.queries[0] === queries[0] ? 0 : 1;
    const replace = async (place: number) => {
      const next = track(await startFakeUpstream());
      configureUpstreams(pool, upstreams.with(place, next));
      return next;
    };
    return { outcome, bad, other: 1 - bad, late: queries[1]!, replace };
  }

  test('the new one in the place of the bad one is not blamed', async () => {
    const { outcome, bad, late, replace } = await halfway();
    await replace(bad);
    late.reply(respond(late));
    expect(rcodeOf(await outcome)).toBe(Rcode.NOERROR);
    expect(blame).not.toHaveBeenCalled();
  });

  test('the bad one is blamed where it has stayed, and not asked again', async () => {
    const { outcome, bad, other, late, replace } = await halfway();
    const next = await replace(other);
    late.reply(respond(late, { rcode: Rcode.SERVFAIL }));
    expect(rcodeOf(await outcome)).toBe(Rcode.NOERROR);
    expect(next.queries).toHaveLength(1);
    expect(vi.mocked(blame).mock.calls.map(([, badMask]) => badMask)).toEqual([1 << bad]);
  });
});
