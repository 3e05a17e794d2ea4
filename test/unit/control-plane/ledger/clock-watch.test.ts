/** Nothing is forgotten by a clock that was just set. */
import { afterEach, expect, test, vi } from 'vitest';
import { ClockWatch, DRIFT_MS_MAX, SETTLE_MS } from '../../../../src/control-plane/ledger/clock-watch.ts';
import { openTestLedger } from '../../../support/ledger-harness.ts';

const WALL_MS = 1_800_000_000_000;
const LOOK_MS = 30_000;

afterEach(() => void vi.useRealTimers());

test('a clock that goes as the other one does is steady from the first look, also one that drifts a little', () => {
  const clock = new ClockWatch();
  expect(clock.isSteady(WALL_MS, 0)).toBe(true);
  for (let look = 1; look < 200; look++) {
    expect(clock.isSteady(WALL_MS + look * (LOOK_MS + DRIFT_MS_MAX), look * LOOK_MS)).toBe(true);
  }
});

test.each([
  ['on', SETTLE_MS],
  ['back', -SETTLE_MS],
  ['by a little more than it may drift', DRIFT_MS_MAX + 1],
])('one that is set %s is believed an hour later, and so is one that is set right again', (_how, byMs) => {
  const clock = new ClockWatch();
  const isSteady = (atMs: number, offMs: number): boolean => clock.isSteady(WALL_MS + atMs + offMs, atMs);
  isSteady(0, 0);
  expect(isSteady(1, byMs)).toBe(false);
  expect(isSteady(SETTLE_MS, byMs)).toBe(false);
  expect(isSteady(SETTLE_MS + 1, byMs)).toBe(true);
  expect(isSteady(SETTLE_MS + 2, 0)).toBe(false);
  expect(isSteady(2 * SETTLE_MS + 1, 0)).toBe(false);
  expect(isSteady(2 * SETTLE_MS + 2, 0)).toBe(true);
});

test('an entry that has an end outlives a clock that was on the next day for a while', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const ledger = await openTestLedger();
  const entry = { name: 'a.example', expiresAt: new Date((ledger.nowSeconds + 4 * 3_600) * 1000).toISOString() };
  await ledger.push([entry, 'b.example']);
  const countAt = async (nowSeconds: number): Promise<number> => {
    ledger.nowSeconds = nowSeconds;
    await vi.advanceTimersByTimeAsync(LOOK_MS);
    return (await ledger.store.entries('desk', '', 10)).length;
  };
  const beganSeconds = ledger.nowSeconds;
  expect(await countAt(beganSeconds + 24 * 3_600)).toBe(1);
  expect(await countAt(beganSeconds + 60)).toBe(2);
  expect((await ledger.store.versions('desk', 1))[0]).toMatchObject({ entryCount: 2 });
});
