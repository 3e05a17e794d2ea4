/** Who is asked less for an error that another upstream did not have. */
import { afterEach, expect, test, vi } from 'vitest';
import { blame } from '../../../../src/data-plane/upstream/choose.ts';
import { Rcode } from '../../../../src/dns/iana.ts';
import { respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import { ask, closeAll, openPool, track } from '../../../support/upstream-harness.ts';

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
