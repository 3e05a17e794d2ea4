/**
 * What lists of a size cost the whole process: seconds to ready from text and from the snapshot, memory at rest and at
 * its peak while the list is replaced. Starts `weir serve` on loopback with a folder of its own, reads VmRSS and VmHWM
 * of /proc and the log; Linux only. "Above idle" is above the same process without lists.
 *
 *   node bench/index-scale.ts FILE [ROUNDS] [MAIN]
 *
 * FILE: a list with one name a line. MAIN: what to run, by default bin/weir.js, as npm start does, which keeps what Node
 * compiles: take the second round. The package runs dist/main.js, which `npm run build` makes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const [file, rounds = '1', main = fileURLToPath(new URL('../bin/weir.js', import.meta.url))] = process.argv.slice(2);
/** After the last job the compile thread is ended; memory at rest is read behind that. */
const REST_MS = 12_000;
const WAIT_MS_MAX = 300_000;
const TICKS_A_SECOND = 100;

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly lines: string[];
  readonly readySeconds: number;
}

async function start(config: string): Promise<Running> {
  const begin = performance.now();
  const child = spawn(process.execPath, [main, 'serve', '--config', config], { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await until(() => lines.some((line) => line.includes('"msg":"ready"')), child);
  return { child, pid: child.pid ?? 0, lines, readySeconds: (performance.now() - begin) / 1000 };
}

async function until(test: () => boolean, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!test()) {
    if (child.exitCode !== null) throw new Error(`weir ended with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error('waited too long');
    await sleep(10);
  }
}

async function stop({ child }: Running): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

function memoryMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(found?.[1] ?? 0) / 1024;
}

/** The next VmHWM is the peak from here. */
function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function median(values: readonly number[]): number {
  return [...values].toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const figures = new Map<string, number[]>();
function note(what: string, value: number): void {
  figures.set(what, [...(figures.get(what) ?? []), value]);
}

const inForce = (running: Running): number => running.lines.filter((l) => l.includes('a policy is in force')).length;

/** Waits until the snapshot, which nobody waits for at the start, is on the disk. */
async function rest(running: Running): Promise<void> {
  await sleep(REST_MS);
  if (running.child.exitCode !== null) throw new Error('weir ended');
}

async function measure(list: string, folder: string): Promise<void> {
  const inUse = join(folder, 'list.txt');
  const write = (name: string, lists: readonly object[]): string => {
    const path = join(folder, name);
    const listen = { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '127.0.0.1:0' };
    const config = { listen, workers: 1, stateDirectory: join(folder, 'state'), upstreams: ['udp://127.0.0.1:9'] };
    writeFileSync(path, stringify({ ...config, lists }));
    return path;
  };
  const empty = await start(write('empty.yaml', []));
  await rest(empty);
  const idleMb = memoryMb(empty.pid, 'VmRSS');
  note('idle without lists: MB', idleMb);
  await stop(empty);
  rmSync(join(folder, 'state'), { recursive: true, force: true });

  copyFileSync(list, inUse);
  const config = write('weir.yaml', [
    { name: 'scale', source: inUse, category: 'fraud', authority: 'bench', bytesMax: 1e9 },
  ]);
  const text = await start(config);
  note('ready from text: s', text.readySeconds);
  note('ready from text: CPU s', cpuSeconds(text.pid));
  note('start from text, peak: MB', memoryMb(text.pid, 'VmHWM'));
  await rest(text);
  note('at rest: MB', memoryMb(text.pid, 'VmRSS'));
  await stop(text);

  const again = await start(config);
  note('ready from snapshot: s', again.readySeconds);
  note('ready from snapshot: CPU s', cpuSeconds(again.pid));
  await rest(again);
  const restMb = memoryMb(again.pid, 'VmRSS');
  note('at rest after snapshot: MB', restMb);
  for (const turn of ['first', 'second']) {
    const before = inForce(again);
    const next = join(folder, 'next.txt');
    writeFileSync(next, Buffer.concat([readFileSync(list), Buffer.from(`${turn}-reload.example\n`)]));
    resetPeak(again.pid);
    const cpu = cpuSeconds(again.pid);
    const begin = performance.now();
    renameSync(next, inUse);
    await until(() => inForce(again) > before, again.child);
    note(`${turn} reload: s`, (performance.now() - begin) / 1000);
    note(`${turn} reload: CPU s`, cpuSeconds(again.pid) - cpu);
    await rest(again);
    note(`${turn} reload, peak above idle: MB`, memoryMb(again.pid, 'VmHWM') - idleMb);
    note(`${turn} reload, at rest after: MB`, memoryMb(again.pid, 'VmRSS'));
  }
  await stop(again);
}

if (file === undefined) throw new Error('usage: node bench/index-scale.ts FILE [ROUNDS]');
for (let round = 0; round < Number(rounds); round++) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-scale-'));
  try {
    await measure(file, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
for (const [what, values] of figures) {
  process.stdout.write(
    `${what.padEnd(36)}${median(values).toFixed(2).padStart(9)}   of ${values.map((v) => v.toFixed(2)).join(' ')}\n`,
  );
}
