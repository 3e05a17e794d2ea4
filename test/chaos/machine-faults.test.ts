/** A machine that runs out of something, or whose clock jumps: queries are answered all the while. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, closeClients, QueryLoad, TcpClient } from '../support/dns-client.ts';
import { type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { newFolder, startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
const HOOK = pathToFileURL(join(PROJECT_ROOT, 'test/support/fault-hook.ts')).href;
const list = { name: 'list', source: 'list.txt' };
const names = (index: number): string => ['listed.example', 'cached.example', `fresh${index}.example`][index % 3]!;
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream();
});

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
});

afterAll(() => upstream.stop());

async function addressOf(weir: WeirProcess, name: string): Promise<string | undefined> {
  return (await ask({ port: weir.port }, name)).answers.at(-1)?.data;
}

async function expectListChangeWorks(weir: WeirProcess, lines: string): Promise<void> {
  weir.write('list.txt', `${lines}\nlater.example\n`);
  await until(
    () => addressOf(weir, 'later.example'),
    (address) => address === SINKHOLE,
    'a change of the list is in force',
  );
}

describe('no file descriptor is left', () => {
  const DESCRIPTORS = 400;

  test('what is asked over UDP is answered; TCP and everything else come back when there are some again', async () => {
    const weir = await startWeirProcess({
      files: { 'list.txt': 'listed.example\n' },
      config: {
        upstreams: [upstream.url],
        lists: [list],
        tcp: { connectionsMax: 10_000, connectionsPerClientMax: 10_000, idleTimeoutMs: 60_000 },
      },
      prefix: ['prlimit', `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`],
    });
    const open = (): number => readdirSync(`/proc/${weir.program.pid}/fd`).length;
    await addressOf(weir, 'cached.example');
    const load = await QueryLoad.start(weir.port, 2, names);
    const clients = await Promise.all(Array.from({ length: DESCRIPTORS }, () => TcpClient.open(weir.port)));
    await until(open, (count) => count >= DESCRIPTORS - 2, 'every descriptor is in use');
    const asked = load.sent;
    weir.write('list.txt', 'listed.example\n');
    await until(
      () => load.sent,
      (sent) => sent > asked + 300,
      'queries go on',
    );
    for (const client of clients) client.close();
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
    expect((await ask({ port: weir.port, transport: 'tcp' }, 'listed.example')).answers[0]?.data).toBe(SINKHOLE);
    await expectListChangeWorks(weir, 'listed.example');
    expect(await weir.metric('weir_thread_restarts_total')).toBe(0);
  });
});

describe('the disk is full', () => {
  /** As a full disk does it: what is longer than this cannot be written, and says so (EFBIG for ENOSPC). */
  const FILE_BYTES_MAX = 65_536;
  const NAMES = Array.from({ length: 20_000 }, (_, index) => `listed-${index}.example`).join('\n');

  test('lists are in force and change, queries are answered; the log says what could not be kept', async () => {
    const weir = await startWeirProcess({
      files: { 'list.txt': NAMES },
      config: {
        upstreams: [upstream.url],
        lists: [list],
        eventLog: { file: 'events.jsonl' },
      },
      prefix: ['prlimit', `--fsize=${FILE_BYTES_MAX}`],
      // Why: it would be full too, and say so in the output.
      env: { NODE_COMPILE_CACHE: '' },
    });
    expect(await addressOf(weir, 'listed-19999.example')).toBe(SINKHOLE);
    const load = await QueryLoad.start(weir.port, 1, (index) =>
      index % 2 ? `listed-${index % 20_000}.example` : `fresh${index}.example`,
    );
    await expectListChangeWorks(weir, NAMES);
    await weir.untilMetric((lost) => lost > 0, 'weir_event_log_dropped_total');
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
    expect(weir.logs().filter(({ level }) => level === 'warn' || level === 'error')).not.toEqual([]);
    expect(await weir.metric('weir_thread_restarts_total')).toBe(0);
    expect((await weir.stop()).code).toBe(0);
  });
});

describe('the clock is set', () => {
  const HOUR_MS = 3_600_000;
  const BRIEF_SECONDS = 2;

  afterEach(() => upstream.answerWith((asked) => respond(asked)));

  test.each([
    ['back an hour', -HOUR_MS],
    ['on an hour', HOUR_MS],
  ])('%s: queries are answered, the cache keeps what it has and for as long, lists change', async (_, offsetMs) => {
    const faults = newFolder();
    mkdirSync(faults, { recursive: true });
    const weir = await startWeirProcess({
      files: { 'list.txt': 'listed.example\n' },
      config: { workers: 2, upstreams: [upstream.url], lists: [list] },
      env: { NODE_OPTIONS: `--import ${HOOK}`, WEIR_TEST_FAULT_FOLDER: faults },
    });
    upstream.answerWith((asked) => respond(asked, asked.name === 'brief.example' ? { ttlSeconds: BRIEF_SECONDS } : {}));
    const askedFor = (of: string): number => upstream.queries.filter(({ name }) => name === of).length;
    // Once for the cache of each thread: otherwise by one chance in 2^15.
    for (let i = 0; i < 16; i++) for (const name of ['cached.example', 'brief.example']) await addressOf(weir, name);
    const brief = askedFor('brief.example');
    const load = await QueryLoad.start(weir.port, 2, names);
    writeFileSync(join(faults, 'clock'), String(offsetMs));
    const shift = async (): Promise<number> => {
      const shown = await weir.metric('weir_list_last_success_timestamp_seconds', 'list="list"');
      return Math.round((shown - Date.now() / 1000) / 60);
    };
    await expectListChangeWorks(weir, 'listed.example');
    await until(shift, (minutes) => minutes === offsetMs / 60_000, 'the clock has moved');
    const before = askedFor('cached.example');
    for (let i = 0; i < 16; i++) expect((await ask({ port: weir.port }, 'cached.example')).rcode).toBe(0);
    expect(askedFor('cached.example')).toBe(before);
    await until(
      async () => (await addressOf(weir, 'brief.example')) && askedFor('brief.example'),
      (count) => Number(count) > brief,
      'what was kept for two seconds is asked for again',
    );
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
    expect(await weir.metric('weir_thread_restarts_total')).toBe(0);
    expect(existsSync(join(weir.folder, 'state'))).toBe(true);
  });
});

describe('a storm of SIGHUP', () => {
  test('loses no query, and the last configuration is the one in force', async () => {
    const weir = await startWeirProcess({
      files: { 'list.txt': 'listed.example\n' },
      config: { workers: 2, upstreams: [upstream.url], lists: [list] },
    });
    const load = await QueryLoad.start(weir.port, 2, (index) => `fresh${index}.example`);
    let storm = 0;
    await until(
      () => {
        const isOdd = storm % 2 === 1;
        weir.writeConfig({ workers: 2, upstreams: [upstream.url], lists: isOdd ? [] : [list] });
        weir.program.signal('SIGHUP');
        return ++storm;
      },
      (count) => count === 101,
      'the storm is over',
    );
    await until(
      () => addressOf(weir, 'listed.example'),
      (address) => address === SINKHOLE,
      'the last configuration is in force',
    );
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
    expect(await weir.metric('weir_config_reloads_total', 'result="refused"')).toBe(0);
    expect(await weir.metric('weir_thread_restarts_total')).toBe(0);
  });
});
