/** What a process has in memory over time, as the kernel says it. */
import { readFileSync } from 'node:fs';

export interface MemorySample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Resident memory now. */
export function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

/** The slope of the line through the samples (least squares). Units: bytes a minute. */
export function bytesPerMinute(samples: readonly MemorySample[]): number {
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = { atMs: meanOf(samples.map(({ atMs }) => atMs)), bytes: meanOf(samples.map(({ bytes }) => bytes)) };
  let product = 0;
  let square = 0;
  for (const { atMs, bytes } of samples) {
    product += (atMs - middle.atMs) * (bytes - middle.bytes);
    square += (atMs - middle.atMs) ** 2;
  }
  return (product / square) * 60_000;
}
