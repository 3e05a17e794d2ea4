/** Every thread may throw, run out of heap or block: queries are answered all the while, and the thread comes back. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, closeClients, QueryLoad, TcpClient } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { newFolder, startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const HOOK = pathToFileURL(join(PROJECT_ROOT, 'test/support/fault-hook.ts')).href;
/** Blocked control threads are found after 30 s of silence. */
const PATIENCE_MS = 60_000;
const SINKHOLE = '192.0.2.53';

let weir: WeirProcess;
let upstream: FakeUpstream;
let faults: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  faults = newFolder();
  mkdirSync(faults, { recursive: true });
  weir = await startWeirProcess({
    hasPage: true,
    files: { 'list.txt': 'listed.example\n' },
    config: {
      workers: 2,
      upstreams: [upstream.url],
      lists: [{ name: 'list', source: 'list.txt' }],
    },
    env: { NODE_OPTIONS: `--import ${HOOK}`, WEIR_TEST_FAULT_FOLDER: faults },
  });
});

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
  await upstream.stop();
});

const commit = (role: string, fault: string): void => writeFileSync(join(faults, role), fault);
const names = (index: number): string => (index % 2 ? 'listed.example' : `fresh${index}.example`);

async function restarts(thread: string): Promise<number> {
  return weir.metric('weir_thread_restarts_total', `thread="${thread}"`).catch(() => Number.NaN);
}

/** Why not fetch: it sends no Host header but its own. */
function pageStatus(): Promise<number> {
  return new Promise((resolve) => {
    const asked = get(`${weir.pageUrl}/`, { headers: { host: 'listed.example' }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', () => resolve(0));
  });
}

async function readyStatus(): Promise<number> {
  return (await fetch(`${weir.adminUrl}/readyz`)).status;
}

async function replaceAfter(role: string, fault: string): Promise<void> {
  const before = await restarts(role);
  commit(role, fault);
  await until(
    () => restarts(role),
    (count) => count === before + 1,
    `the ${role} thread is replaced and counted`,
    PATIENCE_MS,
  );
}

/** A list change must be in force on every thread afterwards. */
let changes = 0;
async function expectListChangeWorks(): Promise<void> {
  const name = `change${++changes}.example`;
  weir.write('list.txt', `listed.example\n${name}\n`);
  await until(
    async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask({ port: weir.port }, name)));
      return answers.every((response) => response.answers[0]?.data === SINKHOLE);
    },
    (isBlocked) => isBlocked,
    'a change of the list is in force',
  );
}

describe.each(['throw', 'heap', 'block'])('the control thread: %s', (fault) => {
  test(
    'no query is lost, it is replaced, metrics come back, and a list change works',
    async () => {
      const load = await QueryLoad.start(weir.port, 2, names);
      await replaceAfter('control', fault);
      expect(await load.stop()).toEqual([]);
      expect([...load.rcodes.keys()]).toEqual([0]);
      await until(readyStatus, (status) => status === 200, 'ready');
      await expectListChangeWorks();
      expect(await weir.metric('weir_list_entries', 'list="list"')).toBe(2);
    },
    PATIENCE_MS + 20_000,
  );
});

describe.each(['throw', 'heap', 'block'])('the page thread: %s', (fault) => {
  test(
    'no query is lost, it is replaced and counted, and the page comes back',
    async () => {
      const load = await QueryLoad.start(weir.port, 2, names);
      await replaceAfter('page', fault);
      expect(await load.stop()).toEqual([]);
      await until(pageStatus, (status) => status === 451, 'the page is back');
      await expectListChangeWorks();
    },
    PATIENCE_MS,
  );
});

describe.each(['throw', 'loop'])('a resolver thread: %s', (fault) => {
  test(
    'it is replaced and counted, answers with the policy in force, and gauges forget its connections',
    async () => {
      const clients = await Promise.all(Array.from({ length: 10 }, () => TcpClient.open(weir.port)));
      await weir.untilMetric((count) => count === 10, 'weir_tcp_connections');
      await replaceAfter('resolver', fault);
      for (const client of clients) client.close();
      await until(
        async () => {
          const asked = Array.from({ length: 8 }, () => ask({ port: weir.port, transport: 'tcp' }, 'listed.example'));
          const responses = await Promise.all(asked).catch(() => []);
          return responses.length === 8 && responses.every(({ answers }) => answers[0]?.data === SINKHOLE);
        },
        (isAnswered) => isAnswered,
        'every thread answers',
      );
      await expectListChangeWorks();
      await weir.untilMetric((count) => count === 0, 'weir_tcp_connections');
    },
    PATIENCE_MS,
  );
});

test('the compile thread, idle: the next change of the list starts another', async () => {
  const load = await QueryLoad.start(weir.port, 2, names);
  commit('weir-compile', 'throw');
  // Where there is none, for it ends when it has been idle for long, the fault is withdrawn.
  await until(
    () => existsSync(join(faults, 'weir-compile')),
    (isThere) => !isThere,
    'taken',
    1_000,
  ).catch(() => undefined);
  rmSync(join(faults, 'weir-compile'), { force: true });
  await expectListChangeWorks();
  expect(await load.stop()).toEqual([]);
});

test('the process then still ends as it should', async () => {
  expect((await weir.stop()).code).toBe(0);
});
