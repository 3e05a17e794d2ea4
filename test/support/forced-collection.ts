/** For programs that are run with --expose-gc: a collection, after which what it freed is somebody else's at once. */

/** Sizes of what a batch hands to the kernel: iovecs, names, headers, slots. */
const SIZES_BYTES = [1_024, 2_048, 4_096, 262_144];
const TAKEN_MAX = 64;
const taken: Buffer[] = [];

/** Errors: throws where the flag was not given. */
export function collect(): void {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  // What still used the memory is found out.
  for (const bytes of SIZES_BYTES) taken.push(Buffer.alloc(bytes, 0xa5));
  if (taken.length > TAKEN_MAX) taken.splice(0, TAKEN_MAX / 2);
}
