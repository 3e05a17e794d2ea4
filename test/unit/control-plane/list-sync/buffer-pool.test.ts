import { writeFile, rename } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BufferPool, POOL_BUFFERS_MAX, buffersOf } from '../../../../src/control-plane/list-sync/buffer-pool.ts';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

const PAGE_BYTES_MAX = 64 * 1024;

describe('the pool', () => {
  test('gives a free buffer that fits, the smallest of them, and none that wastes much', () => {
    const buffers = [10_000, 12_000, 100_000].map((bytes) => new SharedArrayBuffer(bytes));
    const pool = new BufferPool(buffers);
    expect(pool.take(9000)).toBe(buffers[0]);
    expect(pool.take(9000)).toBe(buffers[1]);
    const fresh = pool.take(9000);
    expect(buffers).not.toContain(fresh);
    expect(fresh.byteLength).toBeGreaterThanOrEqual(9000);
    expect(fresh.byteLength % 4).toBe(0);
  });

  test('is bounded and keeps the largest', () => {
    const pool = new BufferPool();
    pool.giveBack(Array.from({ length: 100 }, (_, index) => new SharedArrayBuffer(5000 + index)));
    expect(pool.free()).toHaveLength(POOL_BUFFERS_MAX);
    expect(pool.free().every((buffer) => buffer.byteLength >= 5100 - POOL_BUFFERS_MAX)).toBe(true);
  });

  test('does not take the same buffer twice, nor says twice that it is free', () => {
    const told: SharedArrayBuffer[] = [];
    const pool = new BufferPool([], (buffer) => void told.push(buffer));
    const buffer = new SharedArrayBuffer(5000);
    pool.giveBack([buffer, buffer]);
    pool.giveBack([buffer]);
    expect(pool.free()).toEqual([buffer]);
    expect(told).toEqual([buffer]);
  });
});

function names(word: string, count = 21_000): string {
  return Array.from({ length: count }, (_, i) => `${word}-${i}.example`).join('\n');
}

describe('retired policies', () => {
  let harness: SyncHarness;

  beforeEach(async () => {
    harness = await SyncHarness.create();
  });
  afterEach(async () => {
    await harness.remove();
  });

  async function publishThrice(): Promise<void> {
    const source = await harness.file('a.txt', names('one'));
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    for (const [index, word] of ['two', 'six'].entries()) {
      await writeFile(`${source}.new`, names(word));
      await rename(`${source}.new`, source);
      await harness.until(() => harness.policies.length === index + 2);
      await harness.until(() => harness.status('a')?.version === index + 2);
    }
  }

  test('are reused once the next policy is acknowledged', async () => {
    await publishThrice();
    const [first, , third] = harness.policies;
    const large = (policy = first) => buffersOf(policy!).filter(({ byteLength }) => byteLength > 4096);
    expect(new Set(large(third))).toEqual(new Set(large(first)));
    expect(large(third).every((buffer) => large(first).includes(buffer))).toBe(true);
    expect(harness.verdict('six-20999.example')).toBe('blocked by a');
    expect(harness.verdict('one-20999.example')).toBe('allowed');
  });

  test.skipIf(loadLibc().kind !== 'ok')(
    'take no memory while they wait, and the one in force is whole (skipped where koffi does not load)',
    async () => {
      const count = 300_000;
      const source = await harness.file('a.txt', names('one', count));
      await harness.start(testConfig(harness.folder, [{ name: 'a', source, bytesMax: 16 * 1024 * 1024 }]));
      await writeFile(`${source}.new`, `${names('one', count * 0.9)}\n${names('two', count / 10)}`);
      await rename(`${source}.new`, source);
      await harness.until(() => harness.status('a')?.version === 2);
      const [first, second] = harness.policies.map(({ base }) => base);
      for (const buffer of [first!.table, first!.names]) {
        expect(buffer.byteLength).toBeGreaterThan(4 * 1024 * 1024);
        const middle = new Uint8Array(buffer).subarray(PAGE_BYTES_MAX, -PAGE_BYTES_MAX);
        expect(middle.findIndex((octet) => octet !== 0)).toBe(-1);
      }
      expect(second!.table).not.toBe(first!.table);
      for (const name of [`two-${count / 10 - 1}`, `one-${count / 2}`, 'one-0'])
        expect(harness.verdict(`${name}.example`)).toBe('blocked by a');
    },
  );

  test('are not touched while one thread has not acknowledged', async () => {
    const source = await harness.file('a.txt', names('one'));
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    const before = buffersOf(harness.policies[0]!).map((buffer) => Buffer.from(new Uint8Array(buffer)));
    const acknowledged = Promise.withResolvers<void>();
    harness.acknowledge = () => acknowledged.promise;
    await writeFile(source, names('two'));
    const reloading = sync.reload(testConfig(harness.folder, [{ name: 'a', source }]));
    await harness.until(() => harness.policies.length === 2);
    const shared = buffersOf(harness.policies[1]!).filter((buffer) => buffersOf(harness.policies[0]!).includes(buffer));
    expect(shared).toEqual([]);
    expect(buffersOf(harness.policies[0]!).map((buffer) => Buffer.from(new Uint8Array(buffer)))).toEqual(before);
    acknowledged.resolve();
    await reloading;
  });

  test('keep the base that goes on under an overlay: the next base is not built in it', async () => {
    const lists = [
      { name: 'large', source: await harness.file('large.txt', names('one')) },
      { name: 'small', source: await harness.file('small.txt', 'old.example\n') },
    ];
    const sync = await harness.start(testConfig(harness.folder, lists));
    await harness.file('small.new', 'new.example\n');
    await rename(`${harness.folder}/small.new`, lists[1]!.source);
    await harness.until(() => harness.status('small')?.version === 2);
    const inForce = harness.policies[1]!;
    expect(inForce.base).toBe(harness.policies[0]!.base);
    await sync.reload(testConfig(harness.folder, lists));
    const next = harness.policies[2]!;
    expect(next.base).not.toBe(inForce.base);
    expect(buffersOf(next).filter((buffer) => buffersOf(inForce).includes(buffer))).toEqual([]);
  });
});
