/**
 * Preloaded into the process by NODE_OPTIONS=--import: when it ends, says in WEIR_TEST_BLOCKS_FILE what the C library does
 * with large blocks then. It takes one and frees it, from which glibc learns to keep the next ones, unless it was told not
 * to. A block that is a mapping of its own, and goes back to the system when it is freed, begins behind the head of a page.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type Koffi from 'koffi';

/** Below 32 MiB, up to where glibc learns. */
const LARGE_BYTES = 31 * 1024 * 1024;
/** More than a heap has free, which is taken first; of several sizes, so that not all begin at a page by chance. */
const BLOCK_BYTES = [16_000_016, 17_000_032, 18_000_048];
const PAGE_BYTES = 4096;
/** Two words: of what glibc writes before a block. */
const HEAD_BYTES = 16;

const file = process.env['WEIR_TEST_BLOCKS_FILE'];

if (isMainThread && file !== undefined) {
  process.on('exit', () => {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load(null);
    const malloc = library.func('uintptr_t malloc(size_t)') as (bytes: number) => number | bigint;
    const free = library.func('void free(uintptr_t)') as (address: number | bigint) => void;
    free(malloc(LARGE_BYTES));
    const addresses = BLOCK_BYTES.map((bytes) => malloc(bytes));
    const areOwn = addresses.every((address) => Number(address) % PAGE_BYTES === HEAD_BYTES);
    for (const address of addresses) free(address);
    writeFileSync(file, areOwn ? 'given back' : 'kept');
  });
}
