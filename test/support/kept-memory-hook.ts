/**
 * Preloaded into the process by NODE_OPTIONS=--import: says what each thread keeps. A thread that sees another word in the
 * file KEPT_FOLDER/collect collects its garbage, all of it, and writes what is left to KEPT_FOLDER/WORD.THREAD. What the
 * kernel counts for a process says little in a short run: V8 collects when it sees fit.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, threadName } from 'node:worker_threads';

const POLL_MS = 50;
const folder = process.env['WEIR_TEST_KEPT_FOLDER'];

if (folder !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const thread = isMainThread ? 'main' : (threadName ?? 'unnamed');
  const asked = join(folder, 'collect');
  let done = '';
  setInterval(() => {
    const word = existsSync(asked) ? readFileSync(asked, 'utf8') : '';
    if (word === done) return;
    done = word;
    collect();
    const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
    const file = join(folder, `${word}.${thread}`);
    writeFileSync(`${file}.new`, String(heapBytes + externalBytes));
    renameSync(`${file}.new`, file);
  }, POLL_MS).unref();
}
