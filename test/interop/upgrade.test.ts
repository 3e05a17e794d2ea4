/** dnsperf asks all the while, over UDP, as three Weirs succeed each other: every query gets an answer. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startProgram } from '../support/child-program.ts';
import { type OtherServer, startNsd } from '../support/other-servers.ts';
import { hostAndPort, startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

const NAMES = 2_000;
const QUERIES_PER_SECOND = Number(process.env['WEIR_TEST_UPGRADE_QPS'] ?? 5_000);
const UPGRADES = 3;
/** After which dnsperf counts a query as lost. */
const TIMEOUT_SECONDS = 3;
const OUTSTANDING_MAX = 100;
/** Long enough for three starts on a busy machine; dnsperf is ended when they are done. */
const SECONDS_MAX = 100;

let nsd: OtherServer | undefined;

afterAll(async () => {
  await stopAllWeirs();
  await nsd?.program.stop();
});

const config = (nsdPort: number): Record<string, unknown> => ({
  workers: 2,
  upstreams: [`udp://127.0.0.1:${nsdPort}`],
  lists: [{ name: 'police', source: './list.txt' }],
});

function succeed(current: WeirProcess, nsdPort: number): Promise<WeirProcess> {
  const listen = { do53: current.do53.map(hostAndPort), admin: '127.0.0.1:0', warningPageHttp: '' };
  return startWeirProcess({ folder: current.folder, args: ['--take-over'], config: { ...config(nsdPort), listen } });
}

test(`no query is lost across ${UPGRADES} upgrades at ${QUERIES_PER_SECOND} queries a second`, async () => {
  const lines = (make: (index: number) => string): string[] => Array.from({ length: NAMES }, (_, index) => make(index));
  nsd = await startNsd('example.net', lines((index) => `host${index} A 192.0.2.1`).join('\n'));
  let current = await startWeirProcess({
    files: { 'list.txt': lines((index) => `scam${index}.example.org`).join('\n') },
    config: config(nsd.port),
  });
  const file = join(current.folder, 'queries.txt');
  const queries = lines(
    (index) => `scam${index}.example.org A\nhost${index}.example.net A\nmissing${index}.example.net A`,
  );
  writeFileSync(file, `${queries.join('\n')}\n`);
  const args = ['-s', '127.0.0.1', '-p', String(current.port), '-d', file, '-l', String(SECONDS_MAX)];
  const limits = `-c 20 -q ${OUTSTANDING_MAX} -t ${TIMEOUT_SECONDS} -Q ${QUERIES_PER_SECOND}`.split(' ');
  const load = await startProgram('dnsperf', [...args, ...limits], () => true);
  await current.untilMetric((asked) => asked > QUERIES_PER_SECOND, 'weir_queries_total');
  for (let upgrade = 0; upgrade < UPGRADES; upgrade++) {
    const next = await succeed(current, nsd.port);
    expect(await current.program.ended()).toMatchObject({ code: 0, signal: null });
    current = next;
  }
  // Why so long: what dnsperf waits for when it is ended counts as interrupted, not as lost.
  await current.untilMetric((asked) => asked > (TIMEOUT_SECONDS + 1) * QUERIES_PER_SECOND, 'weir_queries_total');
  load.signal('SIGINT');
  const { stdout } = await load.ended();
  const count = (label: string): number => Number(new RegExp(`${label}:\\s+(\\d+)`).exec(stdout)?.[1]);
  process.stdout.write(
    `${UPGRADES} upgrades under dnsperf: ${count('Queries sent')} sent, ${count('Queries lost')} lost\n`,
  );
  expect(count('Queries lost')).toBe(0);
  expect(count('Queries sent') - count('Queries completed')).toBeLessThanOrEqual(OUTSTANDING_MAX);
  expect(stdout).not.toContain('SERVFAIL');
});
