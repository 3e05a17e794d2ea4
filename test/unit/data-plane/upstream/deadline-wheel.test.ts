import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeadlineWheel, NO_SLOT, TICK_MS, type WheelNode } from '../../../../src/data-plane/upstream/deadline-wheel.ts';

class Node implements WheelNode<Node> {
  dueAtMs = 0;
  slot = NO_SLOT;
  nextInSlot: Node | undefined = undefined;
  previousInSlot: Node | undefined = undefined;
}

test('a node falls due once, never early, at most one tick late, unless it was cancelled or moved', () => {
  const step = fc.record({
    node: fc.integer({ min: 0, max: 19 }),
    action: fc.constantFrom('schedule', 'cancel', 'advance'),
    delayMs: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 40_000 })),
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.array(step, { maxLength: 200 }), (startMs, steps) => {
      const wheel = new DeadlineWheel<Node>();
      const nodes = Array.from({ length: 20 }, () => new Node());
      const due = new Map<Node, number>();
      let nowMs = startMs;
      const onDue = (node: Node): void => {
        expect(due.get(node)).toBeLessThanOrEqual(nowMs);
        due.delete(node);
      };
      for (const { node: index, action, delayMs } of steps) {
        const node = nodes[index]!;
        if (action === 'schedule') {
          wheel.schedule(node, nowMs + delayMs, nowMs);
          due.set(node, nowMs + delayMs);
        } else if (action === 'cancel') {
          wheel.cancel(node);
          due.delete(node);
        } else {
          nowMs += delayMs;
          wheel.advance(nowMs, onDue);
          for (const dueAtMs of due.values()) expect(dueAtMs).toBeGreaterThan(nowMs - 2 * TICK_MS);
        }
        expect(wheel.size).toBe(due.size);
      }
      expect(new Set(wheel.drain())).toEqual(new Set(due.keys()));
      expect(wheel.size).toBe(0);
    }),
  );
});

test('what falls due may schedule itself and others again, also when the wheel was empty', () => {
  const wheel = new DeadlineWheel<Node>();
  const node = new Node();
  const far = new Node();
  wheel.schedule(node, 5, 0);
  let times = 0;
  for (let nowMs = 0; nowMs <= 100_000; nowMs += 7) {
    wheel.advance(nowMs, (due) => {
      if (due !== node) return;
      times++;
      wheel.schedule(node, nowMs + 10_240, nowMs);
      wheel.schedule(far, nowMs + 30_000, nowMs);
    });
  }
  expect(times).toBe(10);
  expect(wheel.size).toBe(2);
});

test('a pause longer than the wheel loses nothing', () => {
  const wheel = new DeadlineWheel<Node>();
  const nodes = Array.from({ length: 2000 }, () => new Node());
  for (const [index, node] of nodes.entries()) wheel.schedule(node, index * 10, 0);
  const due = new Set<Node>();
  wheel.advance(1_000_000, (node) => due.add(node));
  for (let nowMs = 1_000_010; nowMs < 1_030_000; nowMs += TICK_MS) wheel.advance(nowMs, (node) => due.add(node));
  expect(due.size).toBe(2000);
});

test('everything that is in is shown, once, wherever it is', () => {
  const wheel = new DeadlineWheel<Node>();
  const nodes = Array.from({ length: 20 }, () => new Node());
  for (const [index, node] of nodes.entries()) wheel.schedule(node, Math.floor(index / 3) * 5_000, 0);
  wheel.cancel(nodes[4]!);
  const shown: Node[] = [];
  wheel.forEach((node) => void shown.push(node));
  expect(shown).toHaveLength(nodes.length - 1);
  expect(new Set(shown)).toEqual(new Set(nodes.filter((node) => node !== nodes[4])));
});
