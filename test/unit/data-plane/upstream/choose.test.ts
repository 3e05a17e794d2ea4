import { expect, test } from 'vitest';
import { blame, chooseProbe, chooseUpstream } from '../../../../src/data-plane/upstream/choose.ts';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import { UpstreamState } from '../../../../src/data-plane/upstream/upstream-state.ts';

const random = new RandomWords();

/** An upstream that has answered so fast for a while. */
function answering(rttMs: number): UpstreamState {
  const state = new UpstreamState();
  for (let count = 0; count < 100; count++) state.answered(rttMs, count);
  return state;
}

function down(): UpstreamState {
  const state = answering(1);
  for (let count = 0; count < 5; count++) state.failed(800, 5000 + count);
  return state;
}

function shares(states: readonly UpstreamState[], triedMask = 0): number[] {
  const counts = states.map(() => 0);
  for (let count = 0; count < 6000; count++) counts[chooseUpstream(states, triedMask, random.next())]!++;
  return counts;
}

test('upstreams that are about as fast share the queries evenly', () => {
  // 2000 expected of each; 1700 is more than eight standard deviations away.
  for (const share of shares([answering(10), answering(12), answering(11)])) expect(share).toBeGreaterThan(1700);
});

test('a slow upstream gets none', () => {
  expect(shares([answering(100), answering(10), answering(11)])[0]).toBe(0);
});

test('one that fails where others know gets none, and is asked again as it gets better', () => {
  const states = [answering(10), answering(10)];
  for (let count = 0; count < 50; count++) blame(states, 0b01);
  expect(shares(states)[0]).toBe(0);
  for (let count = 0; count < 200; count++) states[0]!.answered(10, 100 + count);
  expect(shares(states)[0]).toBeGreaterThan(2500);
});

test('upstreams already tried are left out, and -1 says that none is left', () => {
  const states = [answering(10), answering(10), answering(500)];
  expect(shares(states, 0b011)).toEqual([0, 0, 6000]);
  expect(chooseUpstream(states, 0b111, 1)).toBe(-1);
  expect(chooseUpstream([answering(1)], 0b1, 1)).toBe(-1);
  expect(chooseUpstream([], 0, 1)).toBe(-1);
});

test('a down upstream is asked only when no other is left', () => {
  const states = [down(), answering(300)];
  expect(states[0]!.isDown).toBe(true);
  expect(shares(states)).toEqual([0, 6000]);
  expect(shares(states, 0b10)).toEqual([6000, 0]);
  expect(shares([down(), down()]).every((share) => share > 2500)).toBe(true);
});

test('slow and down upstreams are probed now and then, the others never', () => {
  const states = [down(), answering(100), answering(10), answering(11)];
  const probed = new Set<number>();
  let probes = 0;
  for (let nowMs = 10_000; nowMs < 40_000; nowMs += 10) {
    const probe = chooseProbe(states, 0b0100, nowMs);
    if (probe === -1) continue;
    probes++;
    probed.add(probe);
  }
  expect(probed).toEqual(new Set([0, 1]));
  // The slow one every second, the down one at growing intervals.
  expect(probes).toBeGreaterThan(30);
  expect(probes).toBeLessThan(45);
  expect(chooseProbe([down()], 0, 100_000)).toBe(-1);
});

test('an upstream that has the query already is not probed with it', () => {
  expect(chooseProbe([down(), answering(10)], 0b11, 100_000)).toBe(-1);
});
