/**
 * The load generator: runs dnsperf and reads its report. Every query is accounted for: answered (by rcode) or lost. Its
 * verbose form lists every answer with its latency; percentiles come from there, in runs of their own, since the list
 * costs the client time.
 */
import { closeSync, createReadStream, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pinned } from './machine.ts';
import { percentile } from './statistics.ts';

const REPORT_CHARACTERS_MAX = 1024 * 1024;
const MICROSECONDS_A_SECOND = 1_000_000;
const MILLISECONDS_A_SECOND = 1_000;

export interface Load {
  readonly port: number;
  readonly queryFile: string;
  readonly seconds: number;
  readonly outstanding: number;
  readonly edns: boolean;
  /** Client sockets. Default 1 for each 10 outstanding. */
  readonly clients?: number;
  /** Go through the file this often at most. */
  readonly passesMax?: number;
  /** Queries a second at most; default: as fast as answers come. */
  readonly rateMax?: number;
  /** Default: UDP. Over DoH give each client one question at a time: more break dnsperf 2.10. */
  readonly mode?: 'dot' | 'doh';
  /** Processors for the client. */
  readonly cores: string;
  readonly timeoutSeconds?: number;
}

export interface LoadReport {
  readonly sent: number;
  readonly completed: number;
  /** Sent, and not answered within the time limit of a query. */
  readonly lost: number;
  /** Under way when the run was interrupted: nobody knows whether they would have been answered. */
  readonly interrupted: number;
  readonly seconds: number;
  readonly queriesPerSecond: number;
  readonly latencyMeanUs: number;
  readonly rcodes: Readonly<Record<string, number>>;
}

export interface LatencyReport {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Answers that took longer than 50 ms. */
  readonly late: number;
}

const LATE_US = 50_000;

function argumentsOf(load: Load): string[] {
  const clients = load.clients ?? Math.max(1, Math.ceil(load.outstanding / 10));
  const args = ['-s', '127.0.0.1', '-p', String(load.port), '-d', load.queryFile, '-l', String(load.seconds)];
  args.push('-q', String(load.outstanding), '-c', String(clients), '-t', String(load.timeoutSeconds ?? 5));
  if (load.edns) args.push('-e');
  if (load.mode !== undefined) args.push('-m', load.mode);
  if (load.mode === 'doh') args.push('-O', 'doh-uri=https://localhost/dns-query');
  if (load.passesMax !== undefined) args.push('-n', String(load.passesMax));
  if (load.rateMax !== undefined) args.push('-Q', String(load.rateMax));
  return args;
}

/** Errors: rejects when dnsperf fails or its report cannot be read. */
export async function runLoad(load: Load): Promise<LoadReport> {
  return readReport(await runProgram(load.cores, 'dnsperf', argumentsOf(load)));
}

/** Runs a load generator to its end; what it printed, up to a limit. */
export async function runProgram(cores: string, program: string, args: readonly string[]): Promise<string> {
  const [command, pinnedArgs] = pinned(cores, program, args);
  const child = spawn(command, pinnedArgs, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < REPORT_CHARACTERS_MAX) text += chunk;
    });
  }
  await once(child, 'close');
  return text;
}

/** A run whose every answer was listed. */
export interface ListedRun {
  readonly report: LoadReport;
  readonly latenciesUs: readonly number[];
}

export interface ListedLoad {
  /** Ends it now, with its report and the list of all answers up to here. */
  interrupt(): void;
  readonly ended: Promise<ListedRun>;
}

/** Starts a run whose every answer is listed, through `listFile`. */
export function startListedLoad(load: Load, listFile: string): ListedLoad {
  const [command, args] = pinned(load.cores, 'dnsperf', [...argumentsOf(load), '-v']);
  const list = openSync(listFile, 'w');
  const child = spawn(command, args, { stdio: ['ignore', list, 'ignore'] });
  closeSync(list);
  const ended = once(child, 'close').then(() => readList(createReadStream(listFile, 'latin1')));
  // Why: whoever waits for it may first wait for something else, which may fail too.
  ended.catch(() => undefined);
  return { interrupt: () => void child.kill('SIGINT'), ended };
}

export interface LatencyRun {
  readonly report: LoadReport;
  /** Of what was answered. */
  readonly percentiles: LatencyReport;
}

/** A run for percentiles. */
export async function runLoadForLatency(load: Load, listFile: string): Promise<LatencyRun> {
  const { report, latenciesUs } = await startListedLoad(load, listFile).ended;
  return { report, percentiles: latencyOf(latenciesUs) };
}

/**
 * Reads what `-v` prints: a line an answer, "> NOERROR name type 0.000123"; a line without a time for what was lost (T) or
 * under way at an interrupt (I); everything else is the report.
 */
export async function readList(input: NodeJS.ReadableStream): Promise<ListedRun> {
  const latenciesUs: number[] = [];
  let text = '';
  for await (const line of createInterface({ input })) {
    if (line.startsWith('> ')) {
      const seconds = Number(line.slice(line.lastIndexOf(' ') + 1));
      if (!Number.isNaN(seconds)) latenciesUs.push(Math.round(seconds * MICROSECONDS_A_SECOND));
    } else if (text.length < REPORT_CHARACTERS_MAX) text += `${line}\n`;
  }
  return { report: readReport(text), latenciesUs };
}

export function latencyOf(latenciesUs: readonly number[]): LatencyReport {
  return {
    p50Us: percentile(latenciesUs, 50),
    p99Us: percentile(latenciesUs, 99),
    p999Us: percentile(latenciesUs, 99.9),
    maxUs: percentile(latenciesUs, 100),
    late: latenciesUs.filter((each) => each > LATE_US).length,
  };
}

/** Reads the statistics that dnsperf ends with. Errors: throws when they are not there. */
export function readReport(text: string): LoadReport {
  const number = (label: string): number => {
    const found = new RegExp(`${label}:?\\s+([0-9.]+)`).exec(text)?.[1];
    if (found === undefined) throw new Error(`dnsperf reported no "${label}":\n${text.slice(-2_000)}`);
    return Number(found);
  };
  const rcodes: Record<string, number> = {};
  for (const [, name, count] of (/Response codes:(.*)/.exec(text)?.[1] ?? '').matchAll(/([A-Z0-9]+) (\d+)/g)) {
    rcodes[name!] = Number(count);
  }
  return {
    sent: number('Queries sent'),
    completed: number('Queries completed'),
    lost: number('Queries lost'),
    // Only an interrupted run has the line.
    interrupted: Number(/Queries interrupted:\s+(\d+)/.exec(text)?.[1] ?? 0),
    seconds: number('Run time \\(s\\)'),
    queriesPerSecond: number('Queries per second'),
    latencyMeanUs: number('Average Latency \\(s\\)') * MILLISECONDS_A_SECOND * MILLISECONDS_A_SECOND,
    rcodes,
  };
}
