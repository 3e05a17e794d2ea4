/**
 * Lets queries go first: a thread that calls this, and every thread that it starts, gets what the resolver threads leave
 * where there are fewer processors than threads that have work. Called once, by the control thread and the page thread,
 * before they do anything long. Linux alone has priorities of threads; elsewhere nothing happens.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** A tenth of what a resolver thread gets while both have work; all of it while it has none. */
const NICENESS = 10;

export function giveWay(): void {
  try {
    // "PID/task/TID" of whoever reads it.
    setPriority(Number(readlinkSync('/proc/thread-self').split('/')[2]), NICENESS);
  } catch {
    // Why: as before is good enough, and a system without it is none to complain about.
  }
}
