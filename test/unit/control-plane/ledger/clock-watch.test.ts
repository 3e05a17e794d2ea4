/** Nothing is forgotten by a clock that was just set. */
import { afterEach, expect, test, vi } from 'vitest';
import { AHEAD_MS_MAX, ClockWatch, DRIFT_MS_MAX, SETTLE_MS } from '../../../../src/control-plane/ledger/clock-watch.ts';
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

test('one that a start finds far ahead of what was last written is believed an hour later', () => {
  for (const [aheadMs, isSteady] of [
    [AHEAD_MS_MAX, true],
    [AHEAD_MS_MAX + 1, false],
    [-AHEAD_MS_MAX, true],
  ] as const) {
    const clock = new ClockWatch();
    clock.begin(WALL_MS + aheadMs, 0, WALL_MS);
    expect(clock.isSteady(WALL_MS + aheadMs + 1, 1)).toBe(isSteady);
    expect(clock.isSteady(WALL_MS + aheadMs + SETTLE_MS, SETTLE_MS)).toBe(true);
  }
  const first = new ClockWatch();
  first.begin(WALL_MS, 0, undefined);
  expect(first.isSteady(WALL_MS, 0)).toBe(true);
});

test('an entry that has an end outlives a start by a clock that is a year ahead', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const first = await openTestLedger();
  const expiresAt = new Date((first.nowSeconds + 4 * 3_600) * 1000).toISOString();
  await first.push([{ name: 'a.example', expiresAt }, 'b.example']);
  await first.store.close();
  let seconds = first.nowSeconds + 365 * 86_400;
  const again = await openTestLedger({ stateDirectory: first.folder, nowSeconds: () => seconds });
  for (let look = 0; look < 10; look++) {
    seconds += LOOK_MS / 1000;
    await vi.advanceTimersByTimeAsync(LOOK_MS);
    // A step of what is forgotten is done in turns of its own.
    await new Promise(setImmediate);
  }
  seconds = first.nowSeconds + 600;
  await vi.advanceTimersByTimeAsync(LOOK_MS);
  expect((await again.store.entries('desk', '', 10)).map(({ name }) => name)).toEqual(['a.example', 'b.example']);
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
