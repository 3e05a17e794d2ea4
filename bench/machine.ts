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
  /** Of the last minute before the run: above about 0.3 the figures are noise. */
  readonly loadBefore: number;
}

/** Where programs run: the server on one processor, everything else on the other; undefined with a single one. */
export interface Cores {
  readonly server: number | undefined;
  readonly client: number | undefined;
}

export function coresOf(): Cores {
  return availableParallelism() >= 2 ? { server: 0, client: 1 } : { server: undefined, client: undefined };
}

/** A command, put on a processor. taskset becomes the command, so the process id stays the same. */
export function pinned(core: number | undefined, command: string, args: readonly string[]): [string, string[]] {
  return core === undefined ? [command, [...args]] : ['taskset', ['-c', String(core), command, ...args]];
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
    loadBefore: loadavg()[0] ?? 0,
  };
}
