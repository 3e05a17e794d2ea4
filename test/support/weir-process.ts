/**
 * The real process for tests from outside: `weir serve` with every port 0 on loopback and a folder of its own. The ports
 * come from the log line "ready". Everything a test waits for is polled with a deadline; nothing sleeps and hopes.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type ProgramResult, type RunningProgram, startProgram } from './child-program.ts';
import { PROJECT_ROOT } from './source-files.ts';

export const DEADLINE_MS = 20_000;
/** Between two looks: short at first, for what is only a few turns of an event loop away. */
const POLL_MS_MIN = 1;
const POLL_MS_MAX = 20;

export type YamlConfig = Readonly<Record<string, unknown>>;

const addressShape = z.object({ host: z.string(), port: z.int() });
const logLineShape = z.looseObject({
  level: z.string(),
  msg: z.string(),
  thread: z.string().optional(),
  /** Of the line "ready". */
  do53: z.array(addressShape).optional(),
  dot: z.array(addressShape).optional(),
  doh: z.array(addressShape).optional(),
  admin: addressShape.optional(),
  page: addressShape.optional(),
});
type Address = z.output<typeof addressShape>;
export type LogLine = z.output<typeof logLineShape>;

export interface WeirProcessOptions {
  /** Merged over the test's defaults, key by key at the top level. */
  readonly config?: YamlConfig;
  /** Written to the folder before the start. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Put behind the command, e.g. --take-over. */
  readonly args?: readonly string[];
  /** Whether the defaults have the warning page, whose thread a test that does not look at it spares itself. */
  readonly hasPage?: boolean;
  /** Put in front of the node command, e.g. setpriv. */
  readonly prefix?: readonly string[];
  /** A folder that an earlier process has used; a new one by default. */
  readonly folder?: string;
}

export interface WeirProcess {
  readonly folder: string;
  readonly configFile: string;
  readonly program: RunningProgram;
  /** In the order of listen.do53. */
  readonly do53: readonly Address[];
  /** The first do53 port. */
  readonly port: number;
  /** The first port of each, or 0. */
  readonly dotPort: number;
  readonly dohPort: number;
  readonly adminUrl: string;
  readonly pageUrl: string;
  logs(): LogLine[];
  /** Resolves with the first log line, old or new, that satisfies `test`. */
  log(test: (line: LogLine) => boolean): Promise<LogLine>;
  exposition(): Promise<string>;
  /** The sum of a metric's samples whose labels include all of `labels`, e.g. `list="test"`. */
  metric(name: string, ...labels: string[]): Promise<number>;
  untilMetric(test: (value: number) => boolean, name: string, ...labels: string[]): Promise<number>;
  /** Replaces a file by rename, as careful programs do. */
  write(name: string, content: string): void;
  /** Writes the configuration anew, over the defaults, with the ports that are bound now. */
  writeConfig(config: YamlConfig, listen?: YamlConfig): void;
  stop(): Promise<ProgramResult>;
}

/** Why: the threads of a start then need half the time, for their sources are stripped and compiled but once. */
export const COMPILE_CACHE = join(tmpdir(), 'weir-e2e-compile-cache');

const started: WeirProcess[] = [];

/** For afterEach or afterAll: stops what the file's tests have started and removes the folders. */
export async function stopAllWeirs(): Promise<void> {
  await Promise.all(
    started.splice(0).map(async (weir) => {
      await weir.stop().catch(() => undefined);
      rmSync(weir.folder, { recursive: true, force: true });
    }),
  );
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'weir-e2e-'));
}

/** The configuration every test starts from. */
export function defaultConfig(folder: string, hasPage = false): Record<string, unknown> {
  return {
    listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: hasPage ? '127.0.0.1:0' : '' },
    workers: 1,
    stateDirectory: join(folder, 'state'),
    sinkhole: { addresses: ['192.0.2.53', '2001:db8::53'], ttlSeconds: 30 },
  };
}

export function weirCommand(configFile: string): [string, ...string[]] {
  return [process.execPath, join(PROJECT_ROOT, 'src/main.ts'), 'serve', '--config', configFile];
}

/** Starts it and waits for "ready". Errors: rejects when it ends before. */
export async function startWeirProcess(options: WeirProcessOptions = {}): Promise<WeirProcess> {
  const folder = options.folder ?? newFolder();
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), content);
  const configFile = join(folder, 'weir.yaml');
  const defaults = defaultConfig(folder, options.hasPage);
  writeFileSync(configFile, stringify({ ...defaults, ...options.config }));
  const [command, ...args] = [...(options.prefix ?? []), ...weirCommand(configFile), ...(options.args ?? [])];
  const program = await startProgram(command!, args, (output) => readyLine(output) !== undefined, {
    cwd: folder,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.env },
  });
  const weir = attach(program, folder, configFile, { ...defaults, ...options.config });
  started.push(weir);
  return weir;
}

function attach(program: RunningProgram, folder: string, configFile: string, config: YamlConfig): WeirProcess {
  const ready = readyLine(program.output())!;
  const { do53 = [], dot = [], doh = [], admin, page } = ready;
  const adminUrl = admin === undefined ? '' : urlOf(admin);
  const pageUrl = page === undefined ? '' : urlOf(page);
  const exposition = async (): Promise<string> => (await fetch(`${adminUrl}/metrics`)).text();
  const metric = async (name: string, ...labels: string[]): Promise<number> =>
    sumOfSamples(await exposition(), name, labels);
  const write = (name: string, content: string): void => {
    writeFileSync(join(folder, `.${name}.new`), content);
    renameSync(join(folder, `.${name}.new`), join(folder, name));
  };
  return {
    folder,
    configFile,
    program,
    do53,
    port: do53[0]!.port,
    dotPort: dot[0]?.port ?? 0,
    dohPort: doh[0]?.port ?? 0,
    adminUrl,
    pageUrl,
    logs: () => logLines(program.output()),
    log: async (test) => {
      await program.waitForOutput((output) => logLines(output).some(test), DEADLINE_MS);
      return logLines(program.output()).find(test)!;
    },
    exposition,
    metric,
    untilMetric: (test, name, ...labels) =>
      until(
        () => metric(name, ...labels).catch(() => Number.NaN),
        (value) => !Number.isNaN(value) && test(value),
        `${name}{${labels.join(',')}}`,
      ),
    write,
    writeConfig: (changes, listen = {}) => {
      const bound = {
        do53: do53.map(hostAndPort),
        dot: dot.map(hostAndPort),
        doh: doh.map(hostAndPort),
        admin: admin === undefined ? '' : hostAndPort(admin),
        warningPageHttp: page === undefined ? '' : hostAndPort(page),
      };
      write('weir.yaml', stringify({ ...config, ...changes, listen: { ...bound, ...listen } }));
    },
    stop: () => program.stop(),
  };
}

/** Asks again and again until the answer passes; returns it. Errors: rejects at the deadline with the last answer. */
export async function until<T>(
  ask: () => T | Promise<T>,
  passes: (value: T) => boolean,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(POLL_MS_MAX, pollMs * 2)) {
    const value = await ask();
    if (passes(value)) return value;
    if (performance.now() > end) throw new Error(`${what}: not in time; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export function sumOfSamples(exposition: string, name: string, labels: readonly string[]): number {
  let sum = 0;
  for (const line of exposition.split('\n')) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    if (labels.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

export function hostAndPort({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function urlOf(address: Address): string {
  return `http://${hostAndPort(address)}`;
}

function readyLine(output: string): LogLine | undefined {
  return output.includes('"ready"') ? logLines(output).find((line) => line.msg === 'ready') : undefined;
}

function logLines(output: string): LogLine[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [logLineShape.parse(JSON.parse(line))];
    } catch {
      // The last line may not be whole yet.
      return [];
    }
  });
}
