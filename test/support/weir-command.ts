/**
 * Commands of Weir, as a person runs them. The first run of each command in a test file is a process of its own; those
 * after it share one. Why: to start a process and load the same modules is nearly all of the CPU that a command takes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type ProgramResult, runProgram } from './child-program.ts';
import { cleanUpAfterFile } from './cleanup.ts';
import { PROJECT_ROOT } from './source-files.ts';
import type { CommandOutcome, CommandRun } from './weir-command-host.ts';

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; closed either way. */
  readonly input?: string;
}

const OPTION = /^-/;
/** Less than a test has, so that a command that does not end is what the test reports. */
const TIMEOUT_MS = 25_000;
const seen = new Set<string>();
let host: ChildProcess | undefined;
/** The end of the run before: the shared process has one folder, one environment and one standard output. */
let before: Promise<unknown> = Promise.resolve();

cleanUpAfterFile(async () => {
  seen.clear();
  const ending = host;
  host = undefined;
  if (ending === undefined || ending.exitCode !== null) return;
  ending.kill('SIGKILL');
  await once(ending, 'close');
});

/** Runs it to its end. Errors: rejects when a process cannot be started or ends in the middle. */
export async function weirCommand(args: readonly string[], options: CommandOptions = {}): Promise<ProgramResult> {
  const command = args.slice(0, 2).filter((word) => !OPTION.test(word));
  const kind = [...command, options.input === undefined ? '' : 'reads'].join(' ');
  if (!seen.has(kind)) {
    seen.add(kind);
    return runProgram(process.execPath, [join(PROJECT_ROOT, 'src/main.ts'), ...args], options);
  }
  const run = before.then(() => runShared(args, options));
  before = run.catch(() => undefined);
  return run;
}

async function runShared(args: readonly string[], options: CommandOptions): Promise<ProgramResult> {
  const shared = (host ??= fork(join(PROJECT_ROOT, 'test/support/weir-command-host.ts'), { stdio: 'inherit' }));
  const { promise, resolve, reject } = Promise.withResolvers<CommandOutcome>();
  const onMessage = (outcome: unknown): void => resolve(outcome as CommandOutcome);
  const onClose = (): void => {
    host = undefined;
    reject(new Error(`weir ${args.join(' ')}: ended its process, or did not end in time`));
  };
  shared.on('message', onMessage);
  shared.on('close', onClose);
  const limit = setTimeout(() => shared.kill('SIGKILL'), TIMEOUT_MS);
  shared.send({ args, cwd: options.cwd, env: options.env ?? {}, input: options.input ?? '' } satisfies CommandRun);
  try {
    return { ...(await promise), signal: null };
  } finally {
    clearTimeout(limit);
    shared.off('message', onMessage);
    shared.off('close', onClose);
  }
}
