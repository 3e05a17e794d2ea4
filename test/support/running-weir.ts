/**
 * The real process, `weir serve`, with a configuration of the test's own on ephemeral loopback ports: for the tests that
 * talk to it from outside. Ready means what /readyz says.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startProgram, type RunningProgram } from './child-program.ts';
import { freePort } from './free-port.ts';
import { PROJECT_ROOT } from './source-files.ts';
import { temporaryFolder } from './temporary-folder.ts';

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;

export interface RunningWeir {
  readonly dnsPort: number;
  readonly adminPort: number;
  readonly pagePort: number;
  readonly folder: string;
  readonly configFile: string;
  readonly program: RunningProgram;
  /** The sum of a metric's samples whose labels include `labels`, e.g. `list="test"`. */
  metric(name: string, ...labels: string[]): Promise<number>;
}

export interface WeirOptions {
  /** Merged over the test's defaults, key by key at the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Written to the configuration's folder before the start: file name to content. */
  readonly files?: Readonly<Record<string, string>>;
  /** What to run; the clone's own entry by default. */
  readonly command?: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it and waits until it is ready. */
export async function startWeir(options: WeirOptions = {}): Promise<RunningWeir> {
  const folder = temporaryFolder('test');
  const [dnsPort, adminPort, pagePort] = [await freePort(), await freePort(), await freePort()];
  for (const [name, content] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), content);
  const configFile = join(folder, 'weir.yaml');
  const config = {
    listen: {
      do53: [`127.0.0.1:${dnsPort}`],
      admin: `127.0.0.1:${adminPort}`,
      warningPageHttp: `127.0.0.1:${pagePort}`,
    },
    stateDirectory: join(folder, 'state'),
    ...options.config,
  };
  writeFileSync(configFile, stringify(config));
  const [command, ...args] = options.command ?? [process.execPath, join(PROJECT_ROOT, 'src/main.ts')];
  const program = await startProgram(command, [...args, 'serve', '--config', configFile], () => true, {
    cwd: folder,
    env: options.env ?? {},
  });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  await untilReady(`${adminUrl}/readyz`, program);
  return {
    dnsPort,
    adminPort,
    pagePort,
    folder,
    configFile,
    program,
    metric: async (name, ...labels) => sumOfSamples(await (await fetch(`${adminUrl}/metrics`)).text(), name, labels),
  };
}

/** Resolves when the address answers 200. Errors: rejects when the program ends or the time is up. */
export async function untilReady(url: string, program: RunningProgram): Promise<void> {
  let cancelled = false;
  const died = program.waitForOutput(() => cancelled, READY_TIMEOUT_MS);
  const ready = new Promise<void>((resolve) => {
    const ask = (): void => {
      fetch(url).then(
        async (response) => {
          await response.text();
          if (response.ok) resolve();
          else again();
        },
        () => again(),
      );
    };
    const again = (): void => {
      if (!cancelled) setTimeout(ask, READY_POLL_MS);
    };
    ask();
  });
  try {
    await Promise.race([ready, died]);
  } finally {
    cancelled = true;
    died.catch(() => undefined);
  }
}

function sumOfSamples(exposition: string, name: string, labels: readonly string[]): number {
  let sum = 0;
  for (const line of exposition.split('\n')) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    if (labels.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}
