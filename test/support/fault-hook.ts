/**
 * Preloaded into the process by NODE_OPTIONS=--import: lets a test break one thread. A worker thread whose
 * workerData.role, or else whose name, is R waits for the file FAULT_FOLDER/R, removes it and does what it says: throw,
 * heap, block (without taking CPU) or loop.
 * Every thread moves its clock by what the file FAULT_FOLDER/clock says. Units: milliseconds.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, threadName, workerData } from 'node:worker_threads';

const POLL_MS = 20;
const folder = process.env['WEIR_TEST_FAULT_FOLDER'];
const role = roleOf(workerData) ?? threadName ?? undefined;

if (!isMainThread && folder !== undefined && role !== undefined) {
  const file = join(folder, role);
  const look = (): void => {
    const fault = take(file);
    if (fault !== undefined) commit(fault.trim());
  };
  // At once too, so that a thread can be made to die before it does anything.
  look();
  setInterval(look, POLL_MS).unref();
}

if (folder !== undefined) {
  const file = join(folder, 'clock');
  const now = Date.now;
  let offsetMs = 0;
  Date.now = () => now() + offsetMs;
  setInterval(() => {
    if (existsSync(file)) offsetMs = Number(readFileSync(file, 'utf8'));
  }, POLL_MS).unref();
}

function roleOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('role' in data)) return undefined;
  return typeof data.role === 'string' ? data.role : undefined;
}

function take(file: string): string | undefined {
  try {
    const fault = readFileSync(file, 'utf8');
    rmSync(file);
    return fault;
  } catch {
    // Not there yet, or another thread of the same role was quicker.
    return undefined;
  }
}

function commit(fault: string): void {
  if (fault === 'throw') throw new Error('a fault that a test wants');
  if (fault === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  const hoard: unknown[] = [];
  for (;;) if (fault === 'heap') hoard.push(Array(1_000_000).fill(0.5));
}
