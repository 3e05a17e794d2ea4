/**
 * The log: JSON lines on standard output, one logger a thread. Writing never waits for the reader (log-stream.ts):
 * lines are lost rather than queries. Query names and client addresses are logged at `debug` and below only.
 */
import { pino } from 'pino';
import type { Logger } from 'pino';
import { monotonicMs } from '../clock.ts';
import { standardOutputStream } from './log-stream.ts';

export type Log = Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

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
    destination ?? standardOutputStream(),
  );
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
