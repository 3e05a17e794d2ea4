import { expect, test } from 'vitest';
import { UpstreamState } from '../../../../src/data-plane/upstream/upstream-state.ts';

test('five failures and a second of silence make an upstream down, one answer makes it up', () => {
  const state = new UpstreamState();
  state.answered(10, 1000);
  expect([1100, 1200, 1300, 1400, 1500, 1999].map((nowMs) => state.failed(100, nowMs))).not.toContain(true);
  expect(state.isDown).toBe(false);
  expect(state.failed(100, 2000)).toBe(true);
  expect(state.isDown).toBe(true);
  // Said once.
  expect(state.failed(100, 2100)).toBe(false);
  expect(state.answered(10, 2200)).toBe(true);
  expect(state.isDown).toBe(false);
  expect(state.answered(10, 2300)).toBe(false);
});

test('failures that answers interrupt do not make it down', () => {
  const state = new UpstreamState();
  for (let nowMs = 0; nowMs < 100_000; nowMs += 1000) {
    for (let count = 0; count < 4; count++) state.failed(800, nowMs + count);
    state.answered(10, nowMs + 500);
  }
  expect(state.isDown).toBe(false);
});

test('a down upstream is probed at growing intervals, and from the start again after it was up', () => {
  const state = new UpstreamState();
  for (let count = 0; count < 5; count++) state.failed(800, 0);
  const probes = (untilMs: number): number[] => {
    const times: number[] = [];
    for (let nowMs = 0; nowMs < untilMs; nowMs += 100) if (state.takeProbe(nowMs)) times.push(nowMs);
    return times;
  };
  expect(probes(40_000)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 24_000, 32_000]);
});

test('the estimate of the 95th percentile settles where one answer in twenty is slower', () => {
  const state = new UpstreamState();
  for (let count = 0; count < 20_000; count++) state.answered((count * 7919) % 100, count);
  expect(state.p95Ms).toBeGreaterThan(80);
  expect(state.p95Ms).toBeLessThan(110);
});

test('the smoothed time follows the upstream', () => {
  const state = new UpstreamState();
  for (let count = 0; count < 50; count++) state.answered(40, count);
  expect(Math.round(state.smoothedMs)).toBe(40);
  for (let count = 0; count < 50; count++) state.answered(4, count);
  expect(Math.round(state.smoothedMs)).toBe(4);
});
