/** Which files bring a list to a version: deltas while they are few and small, else the snapshot. */
import { expect, test } from 'vitest';
import { CHAIN_MAX, routeTo } from '../../../../src/control-plane/feed/feed-update.ts';
import type { DeltaFile, Manifest } from '../../../../src/control-plane/feed/manifest.ts';

const file = { url: 'files/x', sha256: '' };

function manifestOf(deltaCount: number, deltaBytes: number, snapshotBytes: number): Manifest {
  const deltas = Array.from({ length: deltaCount }, (_, at): DeltaFile => ({
    ...file,
    from: at + 1,
    to: at + 2,
    bytes: deltaBytes,
  }));
  const version = deltaCount + 1;
  return { version, snapshot: { ...file, bytes: snapshotBytes, version }, deltas } as unknown as Manifest;
}

test.each([
  ['deltas that lead on', manifestOf(3, 10, 100), 2, 2],
  ['as many as a chain may have', manifestOf(CHAIN_MAX, 1, 1000), 1, CHAIN_MAX],
  ['more than that: the snapshot', manifestOf(CHAIN_MAX + 1, 1, 1000), 1, 0],
  ['more bytes than the snapshot: the snapshot', manifestOf(3, 40, 100), 1, 0],
  ['one delta, whatever its size', manifestOf(1, 1000, 100), 1, 1],
  ['nothing held yet: the snapshot', manifestOf(3, 10, 100), 0, 0],
] as const)('%s', (_, manifest, held, deltas) => {
  const route = routeTo(manifest, held);
  expect(route.deltas).toHaveLength(deltas);
  expect(route.snapshot === undefined).toBe(deltas > 0);
});
