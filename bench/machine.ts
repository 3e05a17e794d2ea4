/** The machine of a run: its processors, who is pinned where, and the versions that a result is worth nothing without. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  readonly commit: string;
  /** What a UDP socket's queue holds where a server asks for nothing (net.core.rmem_default); 0: not known. */
  readonly receiveBufferDefaultBytes?: number;
  /** Of the last minute before the run: above about 0.3 something else ran, or had just ended. */
  readonly loadBefore: number;
}

/** Where programs run, each as a list of processors that taskset takes. */
export interface Cores {
  /** One processor for the server under test. */
  readonly server: string;
  /** All others, for dnsperf, the upstream and the harness; the same one where there is only one. */
  readonly client: string;
  readonly all: string;
}

/** Read before the harness moves aside: whatever it starts inherits where it is. */
export function coresOf(): Cores {
  const allowed = field('/proc/self/status', /^Cpus_allowed_list:\s+(\S+)$/m);
  const processors = allowed.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  const [server, ...others] = processors;
  const client = others.length === 0 ? [server] : others;
  return { server: String(server), client: client.join(','), all: processors.join(',') };
}

/** A command, put on processors. taskset becomes the command, so the process id stays the same. */
export function pinned(cores: string, command: string, args: readonly string[]): [string, string[]] {
  return ['taskset', ['-c', cores, command, ...args]];
}

const DAEMON_FOLDERS = '/usr/sbin:/sbin';

/** The path of a program, Debian's folders for daemons included; undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  for (const folder of `${process.env['PATH'] ?? ''}:${DAEMON_FOLDERS}`.split(':')) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** What a program prints, both streams, whatever its exit code; the first line that `pattern` matches, its group 1. */
export function versionOf(command: string, args: readonly string[], pattern: RegExp): string {
  let text: string;
  try {
    text = execFileSync('/bin/sh', ['-c', `"$0" "$@" 2>&1 || true`, command, ...args], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${DAEMON_FOLDERS}` },
    });
  } catch {
    return 'unknown';
  }
  return pattern.exec(text)?.[1] ?? 'unknown';
}

function field(file: string, pattern: RegExp): string {
  try {
    return pattern.exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll('"', '') ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

export function describeMachine(): Machine {
  const projectRoot = new URL('..', import.meta.url).pathname;
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    system: field('/etc/os-release', /^PRETTY_NAME=(.*)$/m),
    node: process.version,
    commit: versionOf('git', ['-C', projectRoot, 'describe', '--always', '--dirty', '--abbrev=10'], /^(\S+)$/m),
    receiveBufferDefaultBytes: Number(field('/proc/sys/net/core/rmem_default', /^(\d+)/)) || 0,
    loadBefore: loadavg()[0] ?? 0,
  };
}
