import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { collectGarbage, giveContentsBack, giveLargeBlocksBack } from '../../src/memory.ts';
import { loadLibc } from '../../src/data-plane/batch/libc.ts';

vi.mock('node:vm', { spy: true });

const hasKoffi = loadLibc().kind === 'ok';
const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
const hasGlibc = report.header.glibcVersionRuntime !== undefined;
const EDGE_BYTES = 64 * 1024;

describe('a buffer whose contents are not wanted', () => {
  it.skipIf(!hasKoffi)(
    'reads as zero but for its ends, and is as good as new (skipped where koffi does not load)',
    () => {
      const buffer = new SharedArrayBuffer(1 << 20);
      const bytes = new Uint8Array(buffer).fill(7);
      expect(giveContentsBack(buffer)).toBe(true);
      const middle = bytes.subarray(EDGE_BYTES, -EDGE_BYTES);
      expect(middle.every((octet) => octet === 0)).toBe(true);
      bytes.fill(9);
      expect(bytes.every((octet) => octet === 9)).toBe(true);
    },
  );

  it('stays as it is where it has no whole page', () => {
    const buffer = new SharedArrayBuffer(EDGE_BYTES - 1);
    new Uint8Array(buffer).fill(7);
    expect(giveContentsBack(buffer)).toBe(false);
    expect(new Uint8Array(buffer).every((octet) => octet === 7)).toBe(true);
  });

  it.skipIf(!hasKoffi)('touches nothing beside it (skipped where koffi does not load)', () => {
    const buffers = Array.from({ length: 8 }, () => new SharedArrayBuffer(300_000));
    for (const [of, buffer] of buffers.entries()) new Uint8Array(buffer).fill(of + 1);
    for (const [of, buffer] of buffers.entries()) if (of % 2 === 0) giveContentsBack(buffer);
    for (const [of, buffer] of buffers.entries()) {
      if (of % 2 === 1) expect(new Uint8Array(buffer).every((octet) => octet === of + 1)).toBe(true);
    }
  });
});

it.skipIf(!hasKoffi || !hasGlibc)('glibc is told to give large blocks back (skipped elsewhere)', () => {
  expect(giveLargeBlocksBack()).toBe(true);
});

describe('collecting', () => {
  /** Gone when nothing but this refers to it, and a collection was made. */
  async function garbage(): Promise<WeakRef<object>> {
    const reference = new WeakRef({ kept: Array.from({ length: 1000 }, () => 1) });
    // Why: what a WeakRef was asked for stays until the turn of the event loop is over.
    await new Promise((resolve) => setImmediate(resolve));
    return reference;
  }

  it('takes what nobody has any more, and leaves no function behind that others could call', async () => {
    const reference = await garbage();
    expect(collectGarbage()).toBe(true);
    expect(reference.deref()).toBeUndefined();
    expect('gc' in globalThis).toBe(false);
  });

  it('is left out where the runtime does not let a thread have it', () => {
    vi.mocked(runInNewContext).mockImplementationOnce(() => {
      throw new ReferenceError('gc is not defined');
    });
    expect(collectGarbage()).toBe(false);
  });
});
