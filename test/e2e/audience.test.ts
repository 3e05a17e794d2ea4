/** A real Weir and clients of several prefixes: for whom a rule holds, seen from each of them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { closeClients, decoded, query, UdpClient } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { asMaintainer, maintainerOf, type Maintainer } from '../support/maintainer.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { weirCommand } from '../support/weir-command.ts';
import { newFolder, startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const FAULT_HOOK = pathToFileURL(join(PROJECT_ROOT, 'test/support/fault-hook.ts')).href;

const SINKHOLE = '192.0.2.53';
const REAL = '192.0.2.1';
const [HERE, THERE] = ['127.0.0.2', '127.0.1.2'];
const PREFIXES = 40;
/** With the start of a process, on a machine that may be busy. */
const TEST_MS = 120_000;

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterEach(closeClients);
afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

const config = (more: Readonly<Record<string, unknown>> = {}) => ({
  workers: 2,
  upstreams: [upstream.url],
  lists: [{ name: 'police', source: './list.txt' }],
  ...more,
});

/** What the client at `from` gets. */
async function addressFor(weir: WeirProcess, from: string, name: string): Promise<string> {
  const client = await UdpClient.open(weir.port, '127.0.0.1', from);
  const response = decoded(await client.exchange(query(name)));
  client.close();
  return response.answers.at(-1)?.data ?? 'none';
}

async function fromBoth(weir: WeirProcess, name: string): Promise<string[]> {
  return [await addressFor(weir, HERE, name), await addressFor(weir, THERE, name)];
}

describe('an exception for the clients of a prefix', () => {
  const NAME = 'bad.example';
  let weir: WeirProcess;
  let approver: Maintainer;
  beforeAll(async () => {
    weir = await startWeirProcess({ config: config(), files: { 'list.txt': `${NAME}\n` } });
    approver = maintainerOf(weir, ['*'], ['approve', 'read'], 'Province');
  }, TEST_MS);

  test('is in force for them alone when it is answered, seen in the explanation, counted, and ended at once', async () => {
    expect(await fromBoth(weir, NAME)).toEqual([SINKHOLE, SINKHOLE]);
    const exception = { name: NAME, clients: '127.0.0.0/24', hours: 1, reason: 'an investigation' };
    const made = await approver.post('/v1/exceptions', exception);
    expect(made).toMatchObject({ status: 200, body: { exception: { id: 'x1', state: 'active' } } });
    expect(await fromBoth(weir, `www.${NAME}`)).toEqual([REAL, SINKHOLE]);
    expect(await fromBoth(weir, NAME)).toEqual([REAL, SINKHOLE]);
    await weir.untilMetric((value) => value === 2, 'weir_exception_answers_total');
    await weir.untilMetric((value) => value === 1, 'weir_exceptions');
    const { body } = await approver.get(`/v1/explain?name=${NAME}&client=${HERE}`);
    expect(body).toMatchObject({ verdict: 'allowlisted', exception: { id: 'x1', clients: '127.0.0.0/24' } });
    const ended = await approver.post('/v1/exceptions/x1/end', { reason: 'done with it' });
    expect(ended).toMatchObject({ status: 200, body: { exception: { state: 'ended' } } });
    expect(await fromBoth(weir, NAME)).toEqual([SINKHOLE, SINKHOLE]);
  });

  test('that was acknowledged is in force after kill -9', { timeout: TEST_MS }, async () => {
    const made = await approver.post('/v1/exceptions', { name: NAME, clients: HERE, hours: 1, reason: 'a test' });
    expect(made.status).toBe(200);
    weir.program.signal('SIGKILL');
    await weir.program.ended();
    weir = await startWeirProcess({ config: config(), folder: weir.folder });
    await weir.untilMetric((value) => value === 1, 'weir_exceptions');
    expect(await fromBoth(weir, NAME)).toEqual([REAL, SINKHOLE]);
    const again = asMaintainer(weir.adminUrl, approver.token);
    expect((await again.get('/v1/exceptions?state=active')).body).toMatchObject({ exceptions: [{ clients: HERE }] });
  });
});

test('an exception holds all the while that the control thread dies and comes back', { timeout: TEST_MS }, async () => {
  const faults = newFolder();
  mkdirSync(faults, { recursive: true });
  const env = { NODE_OPTIONS: `--import ${FAULT_HOOK}`, WEIR_TEST_FAULT_FOLDER: faults };
  const weir = await startWeirProcess({ config: config(), files: { 'list.txt': 'bad.example\n' }, env });
  const approver = maintainerOf(weir, ['*'], ['approve', 'read'], 'Province');
  const exception = { name: 'bad.example', clients: HERE, hours: 1, reason: 'a test' };
  expect((await approver.post('/v1/exceptions', exception)).status).toBe(200);
  const client = await UdpClient.open(weir.port, '127.0.0.1', HERE);
  const seen = new Set<string>();
  const isBack = new AbortController();
  const asked = (async () => {
    while (!isBack.signal.aborted)
      seen.add(decoded(await client.exchange(query('bad.example'))).answers.at(-1)?.data ?? 'none');
  })();
  writeFileSync(join(faults, 'control'), 'throw');
  await weir.untilMetric((count) => count === 1, 'weir_thread_restarts_total', 'thread="control"');
  weir.write('list.txt', 'bad.example\nnew.example\n');
  await weir.untilMetric((entries) => entries === 2, 'weir_list_entries', 'list="police"');
  isBack.abort();
  await asked;
  client.close();
  expect([...seen]).toEqual([REAL]);
});

describe('a push that is rolled out', () => {
  const NAME = 'new.example';
  const clients = Array.from({ length: PREFIXES }, (_, net) => `127.0.${net}.2`);
  const blockedOf = async (weir: WeirProcess): Promise<string[]> => {
    const answers = await Promise.all(clients.map((from) => addressFor(weir, from, NAME)));
    return clients.filter((_, index) => answers[index] === SINKHOLE);
  };

  test(
    'holds for its share of the prefixes, the same after another change, and then for everyone',
    { timeout: TEST_MS },
    async () => {
      const lists = [{ name: 'desk', source: 'push', rollout: [{ percent: 50 }, { percent: 100 }] }];
      const weir = await startWeirProcess({ config: config({ lists }) });
      const desk = maintainerOf(weir);
      await desk.push('desk', [NAME]);
      const blocked = await blockedOf(weir);
      expect(blocked.length).toBeGreaterThan(PREFIXES / 8);
      expect(blocked.length).toBeLessThan((PREFIXES * 7) / 8);
      const [member, other] = [blocked[0]!, clients.find((client) => !blocked.includes(client))!];
      const explained = async (client: string) => (await desk.get(`/v1/explain?name=${NAME}&client=${client}`)).body;
      expect(await explained(member)).toMatchObject({
        verdict: 'blocked',
        rules: [{ outcome: 'decides', rolloutPercent: 50 }],
      });
      expect(await explained(other)).toMatchObject({
        verdict: 'allowed',
        rules: [{ outcome: 'rollout', rolloutPercent: 50 }],
      });
      for (const [client, verdict] of [
        [member, 'blocked'],
        [other, 'allowed'],
      ] as const) {
        const flags = ['--config', weir.configFile, '--json', '--client', client];
        const { stdout } = await weirCommand(['check', ...flags, NAME]);
        expect(JSON.parse(stdout)).toMatchObject([{ verdict, rules: [{ rolloutPercent: 50 }] }]);
      }
      await desk.push('desk', ['another.example']);
      expect(await blockedOf(weir)).toEqual(blocked);
      const { rollouts } = (await desk.get('/v1/rollouts')).body as { rollouts: { id: string }[] };
      const promoted = await desk.post(`/v1/rollouts/${rollouts[0]!.id}/promote`, { reason: 'all is well' });
      expect(promoted).toMatchObject({ status: 200, body: { rollout: { state: 'complete', percent: 100 } } });
      expect(await blockedOf(weir)).toEqual(clients);
    },
  );
});

test('a group of clients has what the configuration gives it, changed by a reload', { timeout: TEST_MS }, async () => {
  const group = (more: Readonly<Record<string, unknown>>) => ({
    clients: { groups: [{ name: 'city', prefixes: ['127.0.0.0/24'], ...more }] },
  });
  const weir = await startWeirProcess({ config: config(group({ lists: [] })), files: { 'list.txt': 'bad.example\n' } });
  const reader = maintainerOf(weir, ['*'], ['read'], 'Control room');
  const explained = async () => (await reader.get(`/v1/explain?name=bad.example&client=${HERE}`)).body;
  expect(await fromBoth(weir, 'bad.example')).toEqual([REAL, SINKHOLE]);
  expect(await explained()).toMatchObject({ verdict: 'allowed', group: 'city', rules: [{ outcome: 'group' }] });
  const reload = (more: Readonly<Record<string, unknown>>): void => {
    weir.writeConfig(config(more));
    weir.program.signal('SIGHUP');
  };
  reload(group({ mode: 'shadow' }));
  const watched = async (): Promise<number> => {
    expect(await fromBoth(weir, 'bad.example')).toEqual([REAL, SINKHOLE]);
    return weir.metric('weir_shadow_queries_total', 'list="police"');
  };
  await until(watched, (count) => count > 0, 'a query of the group that is watched');
  await until(explained, ({ verdict }) => verdict === 'shadow', 'an explanation by the new configuration');
  reload({ clients: {} });
  const here = (): Promise<string> => addressFor(weir, HERE, 'bad.example');
  await until(here, (address) => address === SINKHOLE, 'a block for who is in no group any more');
});

/** The language of the warning page for a visitor from there, whose browser says this. */
async function pageLanguage(weir: WeirProcess, from: string, acceptLanguage: string, path = '/'): Promise<string> {
  const headers = { host: 'bad.example', accept: 'text/html', 'accept-language': acceptLanguage };
  const page = await new Promise<string>((resolve, reject) => {
    get(new URL(path, weir.pageUrl), { headers, localAddress: from, agent: false }, (response) => {
      text(response).then(resolve, reject);
    }).on('error', reject);
  });
  return /<html lang="([^"]+)"/.exec(page)?.[1] ?? page;
}

test('a group has the warning page in its language, changed by a reload', { timeout: TEST_MS }, async () => {
  const group = (language: string) => ({
    clients: { groups: [{ name: 'south', prefixes: ['127.0.1.0/24'], language }] },
  });
  const weir = await startWeirProcess({
    hasPage: true,
    config: config(group('ug')),
    files: { 'list.txt': 'bad.example\n' },
  });
  expect(await pageLanguage(weir, THERE, 'de')).toBe('ug');
  expect(await pageLanguage(weir, THERE, '')).toBe('ug');
  expect(await pageLanguage(weir, THERE, 'de, en;q=0.5')).toBe('en');
  expect(await pageLanguage(weir, THERE, 'de', '/?lang=zh-CN')).toBe('zh-CN');
  expect(await pageLanguage(weir, HERE, 'de')).toBe('en');
  weir.writeConfig(config(group('zh-CN')));
  weir.program.signal('SIGHUP');
  await until(
    async () => pageLanguage(weir, THERE, 'de'),
    (language) => language === 'zh-CN',
    'the new language',
  );
});

test(
  'blocked queries have the region of the group in counts and event log, through reloads',
  { timeout: TEST_MS },
  async () => {
    const groups = (...regions: readonly string[]) => ({
      clients: {
        groups: regions.map((region, net) => ({ name: `g${net}`, prefixes: [`127.0.${net}.0/24`], region })),
      },
    });
    const eventLog = { eventLog: { file: 'events.jsonl' } };
    const weir = await startWeirProcess({
      config: config({ ...groups('north', 'south'), ...eventLog }),
      files: { 'list.txt': 'bad.example\n' },
    });
    const counts = async (): Promise<Record<string, number>> => {
      const samples = (await weir.exposition()).matchAll(
        /^weir_blocked_queries_by_region_total\{region="(.*)"\} (.*)$/gm,
      );
      return Object.fromEntries([...samples].map(([, region, count]) => [region, Number(count)]));
    };
    expect(await counts()).toEqual({ none: 0, north: 0, south: 0 });
    await fromBoth(weir, 'bad.example');
    await fromBoth(weir, 'good.example');
    await addressFor(weir, THERE, 'bad.example');
    await addressFor(weir, '127.0.9.2', 'bad.example');
    expect(await counts()).toEqual({ none: 1, north: 1, south: 2 });
    weir.writeConfig(config({ ...groups('west', 'north'), ...eventLog }));
    weir.program.signal('SIGHUP');
    await until(counts, (now) => now['west'] === 0, 'the region that is new');
    expect(await counts()).toEqual({ none: 1, north: 1, south: 2, west: 0 });
    const afterReload = async (): Promise<Record<string, number>> => {
      await addressFor(weir, HERE, 'bad.example');
      return counts();
    };
    const now = await until(afterReload, ({ west = 0 }) => west > 0, 'a blocked query counted as of the new region');
    expect(now).toMatchObject({ none: 1, south: 2 });
    await addressFor(weir, THERE, 'bad.example');
    await until(
      counts,
      ({ north }) => north === (now['north'] ?? 0) + 1,
      'a count that goes on in the group now of it',
    );
    const counted = await counts();
    await weir.stop();
    const logged = new Map<string, number>();
    for (const line of readFileSync(join(weir.folder, 'events.jsonl'), 'utf8').trimEnd().split('\n')) {
      const { region } = JSON.parse(line) as { region: string };
      logged.set(region, (logged.get(region) ?? 0) + 1);
    }
    expect(Object.fromEntries(logged)).toEqual(counted);
  },
);
