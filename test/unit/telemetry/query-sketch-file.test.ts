import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import { QuerySketchWriter, createQuerySketch, seedOf, totalQueries } from '../../../src/telemetry/query-sketch.ts';
import { readQuerySketch, sketchPath, writeQuerySketch } from '../../../src/telemetry/query-sketch-file.ts';
import { wireName } from '../../support/publish-policy.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const NOW_SECONDS = 1_800_000_000;
const folder = temporaryFolder('sketch');

function asked(seed: number): SharedArrayBuffer {
  const sketch = createQuerySketch(seed);
  const writer = new QuerySketchWriter(sketch);
  writer.tick(NOW_SECONDS);
  const wire = wireName('www.shop.example');
  const starts = new Uint8Array(LABELS_MAX);
  const labels = labelStartsOf(wire, 0, starts);
  const client = new Uint8Array(16).fill(0xff, 10, 12);
  for (let i = 0; i < 20_000; i++) {
    new DataView(client.buffer).setUint32(12, i);
    writer.count(wire, 0, wire.length, starts, labels, client);
  }
  return sketch;
}

it('comes back as the sum of the threads, with their seed, and without a name in it', () => {
  const path = sketchPath(folder);
  const sketches = [asked(7), asked(7)];
  expect(writeQuerySketch(path, sketches, NOW_SECONDS)).toBeUndefined();
  const back = readQuerySketch(path);
  expect(seedOf(back)).toBe(7);
  expect(totalQueries([back], NOW_SECONDS)).toBe(totalQueries(sketches, NOW_SECONDS));
  expect(readFileSync(path).includes('shop')).toBe(false);
});

it.each([
  ['is not there', () => join(folder, 'none')],
  ['is cut short', (path: string) => (truncateSync(path, 5000), path)],
  ['has an octet changed', (path: string) => (writeFileSync(path, readFileSync(path).with(9000, 1)), path)],
  ['is something else', (path: string) => (writeFileSync(path, Buffer.alloc(readFileSync(path).length)), path)],
  ['is a folder', () => folder],
])('counts for nothing where the file %s', (_what, change) => {
  const path = join(folder, 'changed');
  writeQuerySketch(path, [asked(7)], NOW_SECONDS);
  expect(totalQueries([readQuerySketch(change(path))], NOW_SECONDS)).toBe(0);
});

it('says why it cannot be written', () => {
  expect(writeQuerySketch(join(folder, 'none', 'x'), [], NOW_SECONDS)).toMatch(/cannot be written to .*ENOENT/);
});
