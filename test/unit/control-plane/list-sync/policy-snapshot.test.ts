import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BufferPool } from '../../../../src/control-plane/list-sync/buffer-pool.ts';
import {
  readSnapshot,
  writeSnapshot,
  type SnapshotList,
  type SnapshotOutcome,
} from '../../../../src/control-plane/list-sync/policy-snapshot.ts';
import { NameSetBuilder } from '../../../../src/policy/name-set-builder.ts';
import type { NameSetBuffers, PublishedPolicy } from '../../../../src/policy/published.ts';
import { judged } from '../../../support/list-sync-harness.ts';
import { publishedList, ruleWords, wireName } from '../../../support/publish-policy.ts';

const FINGERPRINT = 'f'.repeat(64);
const BOUNDS = { lists: 2, allowSources: 0 };
const NAMES = ['bad.example', 'worse.example', 'worst.example'];
const LIST: SnapshotList = {
  name: 'a',
  version: 3,
  facts: { format: 'plain', sourceSha256: 'ab'.repeat(32), entries: 4, skippedByReason: { syntax: 1 }, samples: {} },
  entriesInForce: 3,
  byGuard: { popular: 1 },
  samples: [{ code: 'popular', lineNumber: 2, text: 'x' }],
  held: 1,
  validators: { identity: '1-2-3-4' },
  payloadBytes: 100,
  payloadSha256: 'cd'.repeat(32),
};
const HELD = [Uint32Array.of(1), new Uint32Array(0)];

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-snapshot-'));
  path = join(folder, 'compiled.index');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function base(): NameSetBuffers {
  const builder = new NameSetBuilder({ entriesExpected: NAMES.length, seed: 77, buffers: new BufferPool() });
  for (const name of NAMES) builder.add(wireName(name), 0, ...ruleWords({ name: 'x' }));
  return builder.build();
}

function read(fingerprint = FINGERPRINT, bounds = BOUNDS): Promise<SnapshotOutcome> {
  return readSnapshot(path, fingerprint, bounds, new BufferPool());
}

async function written(): Promise<Buffer> {
  expect(await writeSnapshot(path, base(), FINGERPRINT, [LIST, null], HELD)).toBeUndefined();
  return readFile(path);
}

/** The file with its header's text changed and a checksum that is right again. */
async function forged(from: string, to: string): Promise<void> {
  const bytes = await written();
  const text = bytes.toString('latin1');
  expect(text).toContain(from);
  expect(to.length).toBe(from.length);
  const body = Buffer.from(text.replace(from, to), 'latin1').subarray(0, -32);
  await writeFile(path, Buffer.concat([body, createHash('sha256').update(body).digest()]));
}

describe('a compiled index on disk', () => {
  test('comes back as it was, and judges as it did', async () => {
    await written();
    const snapshot = await read();
    if (snapshot.kind !== 'snapshot') throw new Error(JSON.stringify(snapshot));
    expect(snapshot.header.lists).toEqual([LIST, null]);
    expect(snapshot.held).toEqual(HELD);
    expect(snapshot.base).toMatchObject({ entryCount: 3, seed: 77 });
    const lists = [publishedList({}, 0), publishedList({}, 1)];
    const policy: PublishedPolicy = { generation: 1, base: snapshot.base, overlay: undefined, lists };
    expect([...NAMES, 'www.bad.example', 'good.example'].map((name) => judged(policy, name))).toEqual([
      ...Array.from({ length: 4 }, () => `blocked by ${lists[0]!.name}`),
      'allowed',
    ]);
    expect(await readdir(folder)).toEqual(['compiled.index']);
  });

  test('is of other inputs where the fingerprint differs, and none where there is none', async () => {
    expect(await read()).toEqual({ kind: 'none' });
    await written();
    expect(await read('e'.repeat(64))).toEqual({ kind: 'other' });
  });

  test('is never used with one octet changed, wherever it is', async () => {
    const whole = await written();
    for (let at = 0; at < whole.length; at++) {
      await writeFile(path, whole.with(at, whole[at]! ^ 0x21));
      expect((await read()).kind, `octet ${at}`).toMatch(/^(damaged|other)$/);
    }
  });

  test('is never used cut short or with something behind it', async () => {
    const whole = await written();
    for (let end = 0; end < whole.length; end += 3) {
      await writeFile(path, whole.subarray(0, end));
      expect((await read()).kind, `${end} octets`).toBe('damaged');
    }
    await writeFile(path, Buffer.concat([whole, Buffer.from('x')]));
    expect(await read()).toEqual({ kind: 'damaged', message: 'its length is wrong' });
  });

  test.each([
    ['an older format', '"format":2', '"format":1', { kind: 'other' }],
    ['another byte order', '"endianness":"LE"', '"endianness":"BE"', { kind: 'other' }],
    ['another layout', '"slotWords":3', '"slotWords":4', { kind: 'other' }],
    ['a wrong count of entries', '"entryCount":3', '"entryCount":4', { kind: 'damaged' }],
    ['a wrong count of slots', '"slotCount":16', '"slotCount":99', { kind: 'damaged' }],
    ['sizes that contradict', '"heldWords":1', '"heldWords":0', { kind: 'damaged' }],
    ['a count of held places that contradicts', '"held":1', '"held":9', { kind: 'damaged' }],
    ['a negative number', '"version":3', '"version":-', { kind: 'damaged' }],
    ['a version of nothing', '"version":3', '"version":0', { kind: 'damaged' }],
    ['a hash that is none', `"${'cd'.repeat(32)}"`, `"${'xy'.repeat(32)}"`, { kind: 'damaged' }],
    ['a validator that would end its header line', '1-2-3-4', String.raw`1\r\n-4`, { kind: 'damaged' }],
  ])('with %s and a right checksum is not used', async (_, from, to, outcome) => {
    await forged(from, to);
    expect(await read()).toMatchObject(outcome);
  });

  test('is not used for fewer lists than its rules name', async () => {
    await written();
    expect(await read(FINGERPRINT, { lists: 1, allowSources: 0 })).toMatchObject({ kind: 'damaged' });
    expect(await read(FINGERPRINT, { lists: 0, allowSources: 0 })).toMatchObject({ kind: 'damaged' });
  });

  test('that cannot be written is a sentence, and what was there stays', async () => {
    const whole = await written();
    const elsewhere = join(folder, 'missing', 'compiled.index');
    expect(await writeSnapshot(elsewhere, base(), FINGERPRINT, [LIST, null], HELD)).toContain('ENOENT');
    await mkdir(`${path}.${process.pid}.tmp`);
    expect(await writeSnapshot(path, base(), FINGERPRINT, [LIST, null], HELD)).toContain('cannot be written');
    expect((await readFile(path)).equals(whole)).toBe(true);
  });

  test('that is a folder is not used', async () => {
    await mkdir(path);
    expect(await read()).toMatchObject({ kind: 'damaged' });
  });
});
