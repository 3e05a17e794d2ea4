/** How much an update changes, counted without either version in memory. */
import { expect, test } from 'vitest';
import { createGuard } from '../../../../src/control-plane/list-sync/guard/create-guard.ts';
import { HoldCollector } from '../../../../src/control-plane/list-sync/list-holds.ts';
import { SegmentWriter } from '../../../../src/control-plane/list-sync/list-segment.ts';
import type { SegmentData } from '../../../../src/control-plane/list-sync/segment-data.ts';
import { UpdateComparison } from '../../../../src/control-plane/list-sync/update-comparison.ts';

function segmentOf(from: number, to: number, scope: 'exact' | 'subtree' = 'subtree'): SegmentData {
  const writer = new SegmentWriter();
  for (let i = from; i < to; i++) writer.add({ name: `n${i}.example`, scope, kind: 'block' });
  return { kind: 'memory', payload: writer.payload() };
}

function changeOf(before: SegmentData, beforeEntries: number, after: SegmentData, entries: number) {
  const held = new Uint32Array(0);
  const version = { segment: before, entries: beforeEntries, held, radiusHeld: [], isMeasured: true };
  const guard = createGuard({ protectedNames: [], popularNames: [], sharedHosts: [], approved: [] });
  return new UpdateComparison(version, undefined, []).compare(after, entries, new HoldCollector(guard, []));
}

test.each([
  ['the same', segmentOf(0, 5000), segmentOf(0, 5000), 0, 0],
  ['more', segmentOf(0, 5000), segmentOf(0, 6000), 1000, 0],
  ['fewer', segmentOf(0, 6000), segmentOf(0, 5000), 0, 1000],
  ['others', segmentOf(0, 5000), segmentOf(4000, 9000), 4000, 4000],
  ['another scope', segmentOf(0, 2000), segmentOf(0, 2000, 'exact'), 2000, 2000],
])('%s', (_what, before, after, added, removed) => {
  const count = (segment: SegmentData): number => {
    let entries = 0;
    if (segment.kind === 'memory')
      for (let at = 0; at < segment.payload.length; entries++) at = next(segment.payload, at);
    return entries;
  };
  expect(changeOf(before, count(before), after, count(after))).toMatchObject({ added, removed });
});

/** Behind an entry without expiry and provenance. */
function next(payload: Uint8Array, start: number): number {
  let at = start + 1;
  while (payload[at] !== 0) at += payload[at]! + 1;
  return at + 1;
}

test('of a large list, where a filter stands in for its names, to a few in a thousand', () => {
  const change = changeOf(segmentOf(0, 300_000), 300_000, segmentOf(100_000, 400_000), 300_000);
  expect(Math.abs((change?.added ?? 0) - 100_000)).toBeLessThan(1000);
  expect(Math.abs((change?.removed ?? 0) - 100_000)).toBeLessThan(1000);
});

test('nothing where the version before cannot be read any more', () => {
  const lost: SegmentData = {
    kind: 'disk',
    path: '/x',
    copyPath: '/x',
    payloadBytes: 1,
    payloadSha256: '0'.repeat(64),
  };
  expect(changeOf(lost, 5000, segmentOf(0, 1000), 1000)).toMatchObject({ added: 0, removed: 0 });
});
