/**
 * The sketch of queries over a restart: the control plane writes the sum of all threads' to the state directory, the
 * supervisor reads it before it starts any thread. What is read counts beside what is counted from now on, until its
 * windows are over. It holds counts by keyed hash: no name, no client. A file that is damaged counts for nothing.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SKETCH_BYTES, createQuerySketch, mergedSketch } from './query-sketch.ts';

const MAGIC = Buffer.from('WEIRQRY1', 'latin1');
const HASH_BYTES = 32;
const FILE_BYTES = MAGIC.length + SKETCH_BYTES + HASH_BYTES;

export function sketchPath(stateDirectory: string): string {
  return join(stateDirectory, 'queries.sketch');
}

/** An empty one where there is no good file. Cost: 4 MiB read. Errors: none. */
export function readQuerySketch(path: string): SharedArrayBuffer {
  const bytes = readWhole(path);
  if (bytes === undefined || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) return createQuerySketch();
  const words = bytes.subarray(MAGIC.length, MAGIC.length + SKETCH_BYTES);
  if (!hashOf(words).equals(bytes.subarray(MAGIC.length + SKETCH_BYTES))) return createQuerySketch();
  const sketch = createQuerySketch();
  new Uint8Array(sketch).set(words);
  return sketch;
}

/** Writes the sum in place of the file. A sentence for people where that fails. */
export function writeQuerySketch(
  path: string,
  sketches: readonly SharedArrayBuffer[],
  nowSeconds: number,
): string | undefined {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const words = Buffer.from(new Uint8Array(mergedSketch(sketches, nowSeconds)));
    const file = openSync(temporary, 'w', 0o640);
    try {
      for (const piece of [MAGIC, words, hashOf(words)]) writeSync(file, piece);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    return undefined;
  } catch (error) {
    rmSync(temporary, { force: true });
    return `the counts of queries cannot be written to ${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function readWhole(path: string): Buffer | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      if (fstatSync(file).size !== FILE_BYTES) return undefined;
      const bytes = Buffer.alloc(FILE_BYTES);
      for (let at = 0; at < FILE_BYTES;) {
        const read = readSync(file, bytes, at, FILE_BYTES - at, at);
        if (read === 0) return undefined;
        at += read;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function hashOf(words: Uint8Array): Buffer {
  return createHash('sha256').update(MAGIC).update(words).digest();
}
