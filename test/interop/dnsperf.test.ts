/** dnsperf against one Weir, ten seconds at full speed over UDP and some rounds over TCP: every query gets an answer. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../support/child-program.ts';
import { startNsd, type OtherServer } from '../support/other-servers.ts';
import { startWeir, type RunningWeir } from '../support/running-weir.ts';

const SECONDS = 10;
const NAMES = 2000;

let nsd: OtherServer;
let weir: RunningWeir;

beforeAll(async () => {
  const records = Array.from({ length: NAMES }, (_, index) => `host${index} A 192.0.2.1`);
  const listed = Array.from({ length: NAMES }, (_, index) => `scam${index}.example.org`);
  nsd = await startNsd('example.net', records.join('\n'));
  weir = await startWeir({
    files: { 'list.txt': listed.join('\n') },
    config: {
      upstreams: [`udp://127.0.0.1:${nsd.port}`],
      lists: [{ name: 'police', source: './list.txt' }],
    },
  });
});

afterAll(async () => {
  await weir?.program.stop();
  await nsd?.program.stop();
});

const lines = (make: (index: number) => string): string[] => Array.from({ length: NAMES }, (_, index) => make(index));
const loads: Readonly<Record<string, readonly string[]>> = {
  'blocked names': lines((index) => `www.scam${index}.example.org A`),
  'cached names': lines((index) => `host${index}.example.net A`),
  'blocked, cached and missing names': lines((index) =>
    [`scam${index}.example.org AAAA`, `host${index}.example.net A`, `missing${index}.example.net A`].join('\n'),
  ),
};

test.each(Object.keys(loads))('no query for %s is lost', async (name) => {
  const file = join(weir.folder, 'queries.txt');
  writeFileSync(file, `${loads[name]?.join('\n')}\n`);
  const args = ['-s', '127.0.0.1', '-p', String(weir.dnsPort), '-d', file, '-l', String(SECONDS), '-e'];
  const { stdout } = await runProgram('dnsperf', args, { timeoutMs: 60_000 });
  const count = (label: string): number => Number(new RegExp(`${label}:\\s+(\\d+)`).exec(stdout)?.[1]);
  process.stdout.write(`dnsperf, ${name}: ${/Queries per second:\s+(\S+)/.exec(stdout)?.[1]} queries a second\n`);
  expect(count('Queries sent')).toBeGreaterThan(NAMES);
  expect(count('Queries lost')).toBe(0);
  expect(count('Queries completed')).toBe(count('Queries sent'));
  expect(stdout).not.toContain('SERVFAIL');
});

test('no query over TCP is lost, on connections that carry many at a time', async () => {
  const file = join(weir.folder, 'queries-tcp.txt');
  const queries = loads['blocked, cached and missing names'] ?? [];
  writeFileSync(file, `${queries.join('\n')}\n`);
  const server = ['-m', 'tcp', '-s', '127.0.0.1', '-p', String(weir.dnsPort)];
  const { stdout } = await runProgram('dnsperf', [...server, '-d', file, '-n', '2', '-c', '8', '-q', '80', '-e'], {
    timeoutMs: 60_000,
  });
  const count = (label: string): number => Number(new RegExp(`${label}:\\s+(\\d+)`).exec(stdout)?.[1]);
  expect(count('Queries sent')).toBe(2 * 3 * NAMES);
  expect(count('Queries completed')).toBe(2 * 3 * NAMES);
  expect(stdout).not.toContain('SERVFAIL');
});
