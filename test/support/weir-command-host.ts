/**
 * A process that runs one command of Weir after another, as src/main.ts would in a process of its own: its arguments,
 * folder, environment, standard streams and exit code. weir-command.ts starts it and speaks to it.
 */
import { Readable } from 'node:stream';

export interface CommandRun {
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: string;
}

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = new URL('../../src/main.ts', import.meta.url).href;
const folder = process.cwd();
const environment = { ...process.env };
let runCount = 0;

process.on('message', (run: CommandRun) => {
  void runOne(run).then((outcome) => process.send!(outcome));
});

async function runOne({ args, cwd, env, input }: CommandRun): Promise<CommandOutcome> {
  process.argv.splice(2, Infinity, ...args);
  process.chdir(cwd ?? folder);
  setEnvironment({ ...environment, ...env });
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true });
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  process.exitCode = 0;
  try {
    // Why numbered: a module runs once for each address. Those that it imports are the same every time.
    runCount += 1;
    await import(`${MAIN}?run=${runCount}`);
    return { code: process.exitCode, stdout: stdout.end(), stderr: stderr.end() };
  } catch (error) {
    return { code: 1, stdout: stdout.end(), stderr: `${stderr.end()}${String(error)}` };
  } finally {
    process.exitCode = 0;
  }
}

function setEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value;
}

/** Keeps what is written instead of writing it, until `end`. */
function capture(stream: NodeJS.WriteStream): { end(): string } {
  const chunks: Buffer[] = [];
  const write = stream.write.bind(stream);
  const keep = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    chunks.push(Buffer.from(chunk as string));
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  stream.write = keep;
  return {
    end: () => {
      stream.write = write;
      stream.removeAllListeners('error');
      return Buffer.concat(chunks).toString();
    },
  };
}
