/**
 * Log lines on their way to standard output. Whatever becomes of the reader (a pipe that nobody empties, a closed one, a
 * full disk), the thread goes on and the process can exit: lines wait in a bounded backlog, then they are lost.
 *
 * Why not pino's own stream: with a stuck pipe or a full disk it repeats its last write at exit for ever (measured:
 * process.exit did not return), so a drain on SIGTERM would end in SIGKILL.
 */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Beyond this, new lines are dropped. */
export const BACKLOG_BYTES_MAX = 1024 * 1024;
/**
 * Octets written at a time: writes to a pipe up to PIPE_BUF are atomic (POSIX write(2)), so that the lines of several
 * threads do not run into each other.
 */
const CHUNK_BYTES_MAX = 4096;
const RETRY_INTERVAL_MS = 50;
/** How often a full pipe is tried once more at exit. */
const EXIT_ATTEMPTS_MAX = 10;
const EXIT_ATTEMPT_INTERVAL_MS = 20;
const STANDARD_OUTPUT = 1;

/** Writes octets without waiting: how many were taken; 0 if none can be now. Throws where none ever will be. */
export type WriteSome = (chunk: Uint8Array) => number;

export class LogStream {
  readonly #writeSome: WriteSome;
  #lines: Buffer[] = [];
  #backlogBytes = 0;
  #scheduled = false;
  /** Lines lost since the process started. */
  dropped = 0;

  constructor(writeSome: WriteSome) {
    this.#writeSome = writeSome;
  }

  /** Takes a line, with its line end. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#backlogBytes + bytes.length > BACKLOG_BYTES_MAX) {
      this.dropped++;
      return;
    }
    this.#lines.push(bytes);
    this.#backlogBytes += bytes.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#drain());
  }

  /** Writes what is waiting, and gives up after a fifth of a second. For the end of the process. */
  flushAtExit(): void {
    for (let attempt = 0; !this.#writeOut() && attempt < EXIT_ATTEMPTS_MAX; attempt++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EXIT_ATTEMPT_INTERVAL_MS);
    }
  }

  #drain(): void {
    this.#scheduled = !this.#writeOut();
    if (this.#scheduled) setTimeout(() => this.#drain(), RETRY_INTERVAL_MS).unref();
  }

  /** Writes as much as goes; whether everything went. */
  #writeOut(): boolean {
    while (this.#lines.length > 0) {
      const chunk = this.#takeChunk();
      let written: number;
      try {
        written = this.#writeSome(chunk);
      } catch {
        this.dropped++;
        continue;
      }
      if (written === chunk.length) continue;
      const rest = chunk.subarray(written);
      this.#lines.unshift(rest);
      this.#backlogBytes += rest.length;
      return false;
    }
    return true;
  }

  /** Whole lines up to CHUNK_BYTES_MAX, or one longer line. */
  #takeChunk(): Buffer {
    let count = 0;
    let bytes = 0;
    for (const line of this.#lines) {
      if (count > 0 && bytes + line.length > CHUNK_BYTES_MAX) break;
      bytes += line.length;
      count++;
    }
    this.#backlogBytes -= bytes;
    return Buffer.concat(this.#lines.splice(0, count));
  }
}

/** The stream to standard output; what is left is written when the thread exits. Make the main thread's first. */
export function standardOutputStream(): LogStream {
  // Why: Node makes a pipe or socket non-blocking when it makes process.stdout, and all threads share the descriptor.
  if (isMainThread) process.stdout.on('error', () => undefined);
  const stream = new LogStream((chunk) => {
    try {
      return writeSync(STANDARD_OUTPUT, chunk);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
      throw error;
    }
  });
  process.on('exit', () => stream.flushAtExit());
  return stream;
}
