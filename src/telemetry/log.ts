/**
 * The log: JSON lines on standard output, one logger a thread. Writing never waits for the reader: where standard output
 * is a pipe that nobody empties, or a full disk, lines are lost rather than queries. Query names and client addresses
 * are logged at `debug` and below only.
 */
import { pino } from 'pino';
import type { Logger } from 'pino';
import { monotonicMs } from '../clock.ts';

export type Log = Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Bytes that may wait for a slow reader of standard output; beyond them lines are dropped. */
const BACKLOG_BYTES_MAX = 1024 * 1024;
const STANDARD_OUTPUT = 1;
/** Keys of rate-limited messages are constants in the source, so there are few; this bounds a mistake. */
const KEYS_MAX = 1000;

export interface LogSettings {
  readonly level: LogLevel;
  /** The thread's name: main, control, page, resolver-0, ... */
  readonly name: string;
}

interface LogDestination {
  write(line: string): void;
}

/** Makes a thread's logger. `destination` is for tests. */
export function createLog(settings: LogSettings, destination?: LogDestination): Log {
  return pino(
    {
      level: settings.level,
      base: { thread: settings.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? standardOutput(),
  );
}

function standardOutput(): LogDestination {
  const stream = pino.destination({ dest: STANDARD_OUTPUT, sync: false, maxLength: BACKLOG_BYTES_MAX });
  // Why: without a listener a write error (disk full) would be thrown and end the thread.
  stream.on('error', () => undefined);
  return stream;
}

export type LimitedLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  fields: Record<string, unknown>,
  message: string,
) => void;

/**
 * Limits messages that one fault can cause thousands of times a second: at most one in `intervalMs` for each key, and
 * that one says how many were suppressed before it. Keys are constants, never made of input.
 */
export function createLogLimiter(log: Log, now: () => number = monotonicMs) {
  const entries = new Map<string, { nextMs: number; suppressed: number }>();
  return function logEvery(key: string, intervalMs: number): LimitedLog {
    return (level, fields, message) => {
      const nowMs = now();
      const entry = entries.get(key);
      if (entry !== undefined && nowMs < entry.nextMs) {
        entry.suppressed++;
        return;
      }
      const suppressed = entry?.suppressed ?? 0;
      if (entries.size >= KEYS_MAX) entries.clear();
      entries.set(key, { nextMs: nowMs + intervalMs, suppressed: 0 });
      log[level](suppressed === 0 ? fields : { ...fields, suppressed }, message);
    };
  };
}
