/**
 * Programs that a test runs: one that ends by itself (runProgram) and one that goes on until it is stopped
 * (startProgram). Every started program is stopped by its own process id, at the latest when the test's process exits.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const OUTPUT_CHARACTERS_MAX = 4 * 1024 * 1024;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to the environment of the test. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to standard input, which is closed either way. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

export interface ProgramResult {
  /** Exit code, or 128 plus nothing known (null) where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly pid: number;
  /** Everything it has written so far, both streams. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves when its output satisfies `test`. Errors: rejects when the program ends first or the time is up. */
  waitForOutput(test: (output: string) => boolean, timeoutMs?: number): Promise<string>;
  /** Resolves with how it ends by itself, or because of a signal sent elsewhere. */
  ended(): Promise<ProgramResult>;
  /** SIGTERM, SIGKILL if that did not help; resolves with how it ended. */
  stop(): Promise<ProgramResult>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs a program to its end. Errors: rejects when it cannot be started or the time is up. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const child = launch(command, args, options);
  const streams = collect(child);
  const limit = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  try {
    const [code, signal] = await ended(child);
    if (signal === 'SIGKILL') throw new Error(`${command} did not end in time:\n${streams.all()}`);
    return { code, signal, stdout: streams.stdout(), stderr: streams.stderr() };
  } finally {
    clearTimeout(limit);
  }
}

/** Starts a program and waits until its output shows that it is ready. */
export async function startProgram(
  command: string,
  args: readonly string[],
  isReady: (output: string) => boolean,
  options: ProgramOptions = {},
): Promise<RunningProgram> {
  const child = launch(command, args, options);
  const streams = collect(child);
  const end = ended(child);
  end.catch(() => undefined);
  const program: RunningProgram = {
    pid: child.pid ?? -1,
    output: () => streams.all(),
    signal: (name) => void child.kill(name),
    waitForOutput: (test, timeoutMs = READY_TIMEOUT_MS) =>
      new Promise<string>((resolve, reject) => {
        const name = `${command} ${args.join(' ')}`;
        const check = (): void => {
          if (test(streams.all())) finish(() => resolve(streams.all()));
        };
        const limit = setTimeout(
          () => finish(() => reject(new Error(`${name}: not ready in time:\n${streams.all()}`))),
          timeoutMs,
        );
        const stopListening = streams.onData(check);
        let done = false;
        function finish(settle: () => void): void {
          if (done) return;
          done = true;
          clearTimeout(limit);
          stopListening();
          settle();
        }
        end.then(
          ([code]) => finish(() => reject(new Error(`${name}: ended with ${code}:\n${streams.all()}`))),
          (error: unknown) => finish(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
        check();
      }),
    ended: async () => {
      const [code, signal] = await end;
      return { code, signal, stdout: streams.stdout(), stderr: streams.stderr() };
    },
    stop: async () => {
      const limit = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      child.kill('SIGTERM');
      const result = await program.ended();
      clearTimeout(limit);
      return result;
    },
  };
  try {
    await program.waitForOutput(isReady, options.timeoutMs);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return program;
}

function launch(command: string, args: readonly string[], options: ProgramOptions): ChildProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  return child;
}

async function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  try {
    const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'close');
    return [typeof code === 'number' ? code : null, typeof signal === 'string' ? signal : null];
  } finally {
    running.delete(child);
  }
}

function collect(child: ChildProcess): {
  stdout(): string;
  stderr(): string;
  all(): string;
  onData(listener: () => void): () => void;
} {
  let stdout = '';
  let stderr = '';
  let all = '';
  const listeners = new Set<() => void>();
  const append = (which: 'stdout' | 'stderr', chunk: string): void => {
    if (all.length > OUTPUT_CHARACTERS_MAX) return;
    if (which === 'stdout') stdout += chunk;
    else stderr += chunk;
    all += chunk;
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => append('stdout', chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => append('stderr', chunk));
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    all: () => all,
    onData: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
