/**
 * What a process has used, as Linux accounts for it: processor time of all its threads and of its children's, and
 * memory. Read from /proc, so that every server is measured by the same judge.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** USER_HZ, which Linux fixes at 100 for every program that reads /proc. */
const TICKS_A_SECOND = 100;
const MICROSECONDS_A_TICK = 1_000_000 / TICKS_A_SECOND;
const KIB = 1024;
/** Fields of /proc/PID/stat behind the command's closing bracket (proc(5): field 4 is the second there). */
const PARENT_FIELD = 1;
const USER_TIME_FIELD = 11;
const SYSTEM_TIME_FIELD = 12;

function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** The process and everything below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const fields = Number.isInteger(pid) ? statFields(pid) : undefined;
    if (fields !== undefined) parents.set(pid, Number(fields[PARENT_FIELD]));
  }
  const tree = [root];
  // The list grows while it is walked: children of children are found too.
  for (const parent of tree) for (const [pid, above] of parents) if (above === parent) tree.push(pid);
  return tree;
}

/** User and system time of a process tree so far. Units: microseconds; the kernel counts in steps of 10,000. */
export function cpuMicroseconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statFields(pid);
    if (fields !== undefined) ticks += Number(fields[USER_TIME_FIELD]) + Number(fields[SYSTEM_TIME_FIELD]);
  }
  return ticks * MICROSECONDS_A_TICK;
}

function statusBytes(pid: number, key: string): number {
  try {
    const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return Number(found?.[1] ?? 0) * KIB;
  } catch {
    return 0;
  }
}

/** Resident memory now. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + statusBytes(pid, 'VmRSS'), 0);
}

/** The most that was resident since the process started or since forgetPeak. */
export function peakBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + statusBytes(pid, 'VmHWM'), 0);
}

/** Starts the peak anew (proc(5), clear_refs 5). */
export function forgetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
