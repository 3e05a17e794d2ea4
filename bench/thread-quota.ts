/**
 * Gives single threads of a process a part of a processor and no more, so that two processors can show what a second
 * thread brings: what the server may not use is left for the client. By the CPU controller of control groups, version 2
 * or 1, whichever the machine has; takes root.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Short, so that a thread waits for milliseconds and not for a tenth of a second. Units: microseconds. */
const PERIOD_US = 10_000;

interface Mounts {
  /** Mount points. */
  readonly v2: string | undefined;
  readonly v1: string | undefined;
}

/** Where the CPU controller is. */
function mounts(): Mounts {
  const lines = readFileSync('/proc/self/mounts', 'latin1').split('\n');
  const found = lines.map((line) => line.split(' '));
  const v1 = found.find(([, , type, options]) => type === 'cgroup' && options?.split(',').includes('cpu'));
  return { v1: v1?.[1], v2: found.find(([, , type]) => type === 'cgroup2')?.[1] };
}

/** False: not root, or no control groups. */
export function canLimitThreads(): boolean {
  const { v1, v2 } = mounts();
  return process.getuid?.() === 0 && (v1 ?? v2) !== undefined;
}

/** Threads of a process whose name begins so. */
export function threadsNamed(pid: number, prefix: string): number[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder)
    .filter((id) => readFileSync(join(folder, id, 'comm'), 'latin1').startsWith(prefix))
    .map(Number);
}

/** What is put back once the process has ended. */
export interface Quotas {
  /** Errors: throws where the process still runs. */
  remove(): void;
}

/**
 * Gives each of the process's threads `share` of a processor.
 * Errors: throws what the file system says where there is no CPU controller or where we are not root.
 */
export function limitThreads(pid: number, threadIds: readonly number[], share: number): Quotas {
  const { v1, v2 } = mounts();
  const name = `weir-bench-${pid}`;
  const quotaUs = Math.round(share * PERIOD_US);
  if (v1 !== undefined) return limitV1(join(v1, name), threadIds, quotaUs);
  if (v2 === undefined) throw new Error('no control groups are mounted');
  return limitV2(v2, join(v2, name), pid, threadIds, quotaUs);
}

function limitV1(folder: string, threadIds: readonly number[], quotaUs: number): Quotas {
  const folders = threadIds.map((id) => `${folder}-${id}`);
  for (const [i, id] of threadIds.entries()) {
    mkdirSync(folders[i]!);
    writeFileSync(join(folders[i]!, 'cpu.cfs_period_us'), String(PERIOD_US));
    writeFileSync(join(folders[i]!, 'cpu.cfs_quota_us'), String(quotaUs));
    writeFileSync(join(folders[i]!, 'tasks'), String(id));
  }
  return { remove: () => folders.forEach((one) => rmdirSync(one)) };
}

function limitV2(root: string, folder: string, pid: number, threadIds: readonly number[], quotaUs: number): Quotas {
  writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu');
  const folders = threadIds.map((id) => join(folder, String(id)));
  mkdirSync(folder);
  for (const one of folders) {
    mkdirSync(one);
    writeFileSync(join(one, 'cgroup.type'), 'threaded');
  }
  // Why now: a group takes threads of a process once the process is in the group above them.
  writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  writeFileSync(join(folder, 'cgroup.subtree_control'), '+cpu');
  for (const [i, id] of threadIds.entries()) {
    writeFileSync(join(folders[i]!, 'cpu.max'), `${quotaUs} ${PERIOD_US}`);
    writeFileSync(join(folders[i]!, 'cgroup.threads'), String(id));
  }
  return { remove: () => [...folders, folder].forEach((one) => rmdirSync(one)) };
}
