import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SPILL_BYTES, SegmentWriter, segmentName } from '../../../../src/control-plane/list-sync/list-segment.ts';
import {
  SegmentFileSpill,
  SegmentLost,
  readSegmentData,
  readTrailer,
  type SegmentData,
} from '../../../../src/control-plane/list-sync/segment-data.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-segment-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** More than three pieces, with entries of every length across their borders. */
const COUNT = 100_000;
const nameAt = (index: number): string => `n${index}-${'x'.repeat(index % 50)}.example`;

function spilled(count: number, path = join(folder, 'a.tmp')): { data: SegmentData; writer: SegmentWriter } {
  const spill = new SegmentFileSpill(path, join(folder, 'a.segment'));
  const writer = new SegmentWriter(SPILL_BYTES, spill);
  for (let index = 0; index < count; index++) {
    const provenance = index % 1000 === 0 ? { note: 'n'.repeat(3000) } : undefined;
    writer.add({
      name: nameAt(index),
      scope: 'subtree',
      kind: 'block',
      ...(provenance !== undefined && { provenance }),
    });
  }
  return { data: spill.finish(writer), writer };
}

function namesOf(data: SegmentData): string[] {
  const names: string[] = [];
  readSegmentData(data, (entry) => void names.push(segmentName(entry)));
  return names;
}

const large = (word: string): string => Array.from({ length: 60_000 }, (_, i) => `${word}${i}.example`).join('\n');
const ALL = Array.from({ length: COUNT }, (_, index) => nameAt(index));

describe('a segment', () => {
  test('that is large is on the disk, and comes back whole in pieces', () => {
    const { data, writer } = spilled(COUNT);
    expect(data.kind).toBe('disk');
    expect(namesOf(data)).toEqual(ALL);
    expect(writer.entryCount).toBe(COUNT);
    expect(writer.nameBytes).toBe(ALL.reduce((sum, name) => sum + name.length + 2, 0));
  });

  test('that is small is in memory, and leaves no file', async () => {
    const { data } = spilled(100);
    expect(data.kind).toBe('memory');
    expect(namesOf(data)).toEqual(ALL.slice(0, 100));
    expect(await readdir(folder)).toEqual([]);
  });

  test('is in memory where the disk takes nothing', async () => {
    await writeFile(join(folder, 'file'), '');
    const { data } = spilled(COUNT, join(folder, 'file', 'a.tmp'));
    expect(data.kind).toBe('memory');
    expect(namesOf(data)).toEqual(ALL);
  });

  test('is found under the name of its last good copy once it has that', async () => {
    const { data } = spilled(COUNT);
    await rename(join(folder, 'a.tmp'), join(folder, 'a.segment'));
    expect(namesOf(data)).toEqual(ALL);
  });

  test('can be read in part', () => {
    const { data } = spilled(COUNT);
    let seen = 0;
    expect(readSegmentData(data, () => ++seen < 10)).toBe(10);
  });

  test('is lost, never half of it, where its file is gone, cut, changed, or another', async () => {
    const path = join(folder, 'a.tmp');
    const { data } = spilled(COUNT);
    const whole = await readFile(path);
    await writeFile(path, whole.with(5000, whole[5000]! ^ 1));
    expect(() => namesOf(data)).toThrow(SegmentLost);
    await truncate(path, whole.length - 1);
    expect(() => namesOf(data)).toThrow(SegmentLost);
    await rm(path);
    expect(() => namesOf(data)).toThrow(SegmentLost);
    await writeFile(join(folder, 'a.segment'), Buffer.concat([whole.subarray(0, 8), Buffer.alloc(whole.length)]));
    expect(() => namesOf(data)).toThrow(SegmentLost);
  });

  test('has no trailer before it is a last good copy', () => {
    spilled(COUNT);
    expect(readTrailer(join(folder, 'a.tmp')).kind).toBe('damaged');
    expect(readTrailer(join(folder, 'missing'))).toEqual({ kind: 'none' });
    expect(readTrailer(folder).kind).toBe('damaged');
  });
});

describe('a large list', () => {
  let harness: SyncHarness;
  beforeEach(async () => {
    harness = await SyncHarness.create();
  });
  afterEach(async () => {
    await harness.remove();
  });

  const lists = () => join(harness.folder, 'state', 'lists');
  const config = (source: string) => testConfig(harness.folder, [{ name: 'a', source, bytesMax: 1e7 }]);

  async function untilStored(): Promise<void> {
    while (!existsSync(join(lists(), 'compiled.index'))) await new Promise((resolve) => setImmediate(resolve));
  }

  test('is in force, stored, and replaced, and leaves its last good copy and nothing else', async () => {
    const source = await harness.file('a.txt', large('old'));
    const sync = await harness.start(config(source));
    await untilStored();
    expect(harness.verdict('old59999.example')).toBe('blocked by a');
    await writeFile(source, large('new'));
    await sync.reload(config(source));
    expect(harness.verdict('new59999.example')).toBe('blocked by a');
    expect(harness.verdict('old59999.example')).toBe('allowed');
    await harness.close();
    await harness.runner.drained();
    const files = (await readdir(lists())).filter((file) => !file.endsWith('.tmp'));
    expect(files.toSorted()).toEqual(['a.json', 'a.segment', 'compiled.index']);
  });

  test('comes back from its last good copy, unless a bit of that has changed', async () => {
    const source = await harness.file('a.txt', large('old'));
    await harness.start(config(source));
    await untilStored();
    await harness.close();
    await rm(source);
    await rm(join(lists(), 'compiled.index'));
    await harness.start(config(source));
    expect(harness.verdict('old7.example')).toBe('blocked by a');
    expect(harness.status('a')).toMatchObject({ entries: 60_000, version: 1, fromLastGoodCopy: true });
    await harness.close();
    await rm(join(lists(), 'compiled.index'), { force: true });
    const copy = await readFile(join(lists(), 'a.segment'));
    await writeFile(join(lists(), 'a.segment'), copy.with(500_000, copy[500_000]! ^ 1));
    await harness.start(config(source));
    expect(harness.verdict('old7.example')).toBe('allowed');
    expect(harness.logged.join('\n')).toContain('the last good copy is damaged');
  });

  test('whose copy has gone is read again from its source when a compile needs it', async () => {
    const source = await harness.file('a.txt', large('old'));
    const sync = await harness.start(config(source));
    await untilStored();
    await rm(lists(), { recursive: true });
    const allow = [await harness.file('allow.txt', 'old7.example\n')];
    await sync.reload({ ...config(source), allow });
    await harness.until(() => harness.verdict('old7.example').startsWith('allowlisted'));
    expect(harness.verdict('old8.example')).toBe('blocked by a');
  });

  test('that is refused leaves no file', async () => {
    const source = await harness.file('a.txt', `${large('old')}\n${'a b\n'.repeat(60_000)}`);
    await harness.start(config(source));
    expect(harness.status('a')?.failure?.reason).toBe('tooManyBadLines');
    expect((await readdir(lists())).filter((file) => file.includes('segment'))).toEqual([]);
  });
});
