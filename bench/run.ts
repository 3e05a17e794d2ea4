/**
 * `npm run bench`: runs the cases against the servers that are installed, prints one table, and leaves the figures in
 * bench/results. Exits 1 when a query was lost or an answer was wrong or missing, a peer's too: such a cell is to be looked at.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchCase, type CaseContext, LIST_NAMES } from './cases/case.ts';
import { CASES } from './cases/cases.ts';
import { startFleet, stopFleet } from './fleet.ts';
import { listData, type ListData } from './list-data.ts';
import { coresOf, describeMachine, findProgram } from './machine.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import type { Peer } from './peers/peer.ts';
import { PEERS } from './peers/peers.ts';
import { type Row, writeResults } from './results.ts';
import type { RunningServer } from './server.ts';
import { table } from './table.ts';
import { startUpstream, type Upstream } from './upstream-nsd.ts';

const NEEDED = ['dnsperf', 'nsd', 'taskset'];
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function choose<T extends { readonly name: string }>(all: readonly T[], wanted: readonly string[], what: string): T[] {
  const unknown = wanted.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0) {
    throw new Error(`no such ${what}: ${unknown.join(', ')}; there are ${all.map((each) => each.name).join(', ')}`);
  }
  return wanted.length === 0 ? [...all] : all.filter((each) => wanted.includes(each.name));
}

function installed(peers: readonly Peer[]): Peer[] {
  return peers.filter((peer) => {
    const missing = peer.programs.filter((program) => findProgram(program) === undefined);
    if (missing.length > 0) say(`left out: ${peer.title} (${missing.join(', ')} not installed; npm run bench:setup)`);
    return missing.length === 0;
  });
}

/** Gone when the process is, however it ends. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

class Run {
  readonly problems: string[] = [];
  readonly #folder = newFolder();
  readonly #word = `b${Date.now().toString(36)}`;
  readonly #cores = coresOf();
  readonly #options: Options;
  readonly #list: ListData;
  readonly #peers: readonly Peer[];
  #words = 0;
  #fleet: Promise<RunningServer[]> | undefined;

  constructor(options: Options, list: ListData, peers: readonly Peer[]) {
    this.#options = options;
    this.#list = list;
    this.#peers = peers;
  }

  async run(cases: readonly BenchCase[], onRows: (rows: readonly Row[]) => void): Promise<Row[]> {
    // The harness itself keeps out of the server's way.
    const { client } = this.#cores;
    execFileSync('taskset', ['-a', '-p', '-c', client, String(process.pid)], { stdio: 'ignore' });
    let upstream: Upstream | undefined;
    try {
      upstream = await startUpstream(this.#folder, client);
      const context = this.#context(upstream.port);
      const rows: Row[] = [];
      for (const each of cases) {
        say(`== ${each.name}: ${each.title}`);
        rows.push(...(await each.run(context)));
        onRows(rows);
      }
      return rows;
    } finally {
      await stopFleet((await this.#fleet?.catch(() => [])) ?? []);
      await upstream?.program.stop();
    }
  }

  #context(upstreamPort: number): CaseContext {
    const base = {
      options: this.#options,
      folder: this.#folder,
      cores: this.#cores,
      upstreamPort,
      list: this.#list,
      peers: this.#peers,
      uniqueWord: () => `${this.#word}n${this.#words++}`,
      say,
      problem: (text: string) => {
        say(`!! ${text}`);
        this.problems.push(text);
      },
    };
    return { ...base, fleet: () => (this.#fleet ??= startFleet(base)) };
  }
}

async function main(): Promise<void> {
  const outcome = readOptions(process.argv.slice(2));
  if (outcome.kind === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  if (outcome.kind === 'usage') {
    process.stderr.write(`${outcome.message}\n${USAGE}`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const { options } = outcome;
  const cases = choose(CASES, options.cases, 'case').filter(
    (each) => options.cases.includes(each.name) || each.onlyByName !== true,
  );
  const missing = NEEDED.filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}; run npm run bench:setup`);
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  const peers = installed(choose(PEERS, options.peers, 'server'));
  const list = await listData(
    options.listNames ?? (cases.length === 1 ? cases[0]?.listNames : undefined) ?? LIST_NAMES,
  );
  const run = new Run(options, list, peers);
  const servers = Object.fromEntries(
    peers.map((peer) => [peer.name, { version: peer.version(), configuration: peer.configuration }]),
  );
  const about = { startedAt, machine, options, servers, list: { names: list.count, origin: list.origin } };
  // Written after each case: a run that is interrupted leaves what it has.
  const rows = await run.run(cases, (soFar) => {
    if (soFar.some((row) => row.case !== 'smoke')) say(`written: ${writeResults({ ...about, rows: soFar })}`);
  });
  process.stdout.write(table(rows));
  for (const problem of run.problems) say(`problem: ${problem}`);
  if (run.problems.length > 0) process.exitCode = 1;
}

// Why: what was started is stopped when the process exits, and a signal alone would not make it exit that way.
process.once('SIGINT', () => process.exit(EXIT_INTERRUPTED));
process.once('SIGTERM', () => process.exit(EXIT_INTERRUPTED));

try {
  await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
