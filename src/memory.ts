/**
 * The only file that speaks with the system about memory, which Node does not: how the C library keeps large blocks, and
 * that the contents of a buffer are no longer wanted. Linux with the optional package koffi; elsewhere nothing happens,
 * and the process is larger. Source: mallopt(3), madvise(2).
 */
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type Koffi from 'koffi';
import type { LibraryHandle } from 'koffi';

/** Of mallopt(3), glibc alone: blocks from this size on are mappings of their own. */
const M_MMAP_THRESHOLD = -3;
const OWN_MAPPING_BYTES_MIN = 64 * 1024;
const MADV_DONTNEED = 4;
/** The largest page of any system that Weir runs on (arm64 may have 4, 16 or 64 KiB). */
const PAGE_BYTES_MAX = 64 * 1024;

type Call = (...args: unknown[]) => number;

interface MemoryCalls {
  addressOf(buffer: Uint8Array): bigint;
  readonly madvise: Call;
  /** Undefined: another C library than glibc. */
  readonly mallopt: Call | undefined;
}

let loaded: MemoryCalls | null | undefined;

function calls(): MemoryCalls | null {
  return (loaded ??= process.platform === 'linux' ? load() : null);
}

function load(): MemoryCalls | null {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load(null);
    return {
      addressOf: (buffer) => koffi.address(buffer),
      madvise: library.func('int madvise(uintptr_t, size_t, int)') as Call,
      mallopt: malloptOf(library),
    };
  } catch {
    return null;
  }
}

function malloptOf(library: LibraryHandle): Call | undefined {
  try {
    return library.func('int mallopt(int, int)') as Call;
  } catch {
    return undefined;
  }
}

/**
 * Has the C library give large blocks back when they are freed, for the whole process from now on. Why: glibc raises the
 * size from which it does so with each such block that it frees, and keeps what lies between in each thread's arena:
 * 10 MB of a process that rests, 15 MB after a reload. Returns whether it does.
 */
export function giveLargeBlocksBack(): boolean {
  return calls()?.mallopt?.(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES_MIN) === 1;
}

/**
 * Gives the pages of a buffer that nobody reads any more back to the system; it stays usable, and reads as zero but for
 * up to 64 KiB at each end. Why: a SharedArrayBuffer itself is gone only when each thread has collected what refers to
 * it. Returns whether that was done.
 */
export function giveContentsBack(buffer: SharedArrayBuffer): boolean {
  const memory = calls();
  if (memory === null) return false;
  const begin = memory.addressOf(new Uint8Array(buffer));
  const page = BigInt(PAGE_BYTES_MAX);
  const first = ((begin + page - 1n) / page) * page;
  const end = ((begin + BigInt(buffer.byteLength)) / page) * page;
  return end > first && memory.madvise(first, end - first, MADV_DONTNEED) === 0;
}

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/**
 * Collects the calling thread's garbage and gives the pages back. Why: V8 itself looks only when a heap has grown, so that
 * what the reading of a list left in one stays. Cost: 20 to 60 ms of a processor, helper threads included; where queries are
 * answered on the same one they wait for that (30 ms, three such threads at a time), so not as a habit. Returns whether it
 * did; errors: none, for nothing but memory hangs on it.
 */
export function collectGarbage(): boolean {
  try {
    // Why so: it is how a thread comes by the function without the flag having been given to the process.
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as Collect;
    setFlagsFromString('--no-expose-gc');
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    return true;
  } catch {
    return false;
  }
}
