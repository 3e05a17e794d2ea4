/** A real Weir whose lists are changed through /v1: in force when it is answered, on every thread, and after kill -9. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, decoded, query, QueryLoad, UdpClient } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { asMaintainer, maintainerOf, type Maintainer } from '../support/maintainer.ts';
import { weirCommand } from '../support/weir-command.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { newFolder, startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
const REAL = '192.0.2.1';
/** Sockets asked from, so that each resolver thread is asked. */
const SOCKETS = 8;
const KILLS = 5;
/** Six starts of a process, on a machine that may be busy. */
const KILL_TEST_MS = 240_000;
const FAULT_HOOK = pathToFileURL(join(PROJECT_ROOT, 'test/support/fault-hook.ts')).href;
const FAULT_TEST_MS = 120_000;

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

const config = (more: Readonly<Record<string, unknown>> = {}) => ({
  workers: 2,
  upstreams: [upstream.url],
  lists: [
    { name: 'desk', source: 'push', authority: 'Fraud desk', versionsMax: 100 },
    { name: 'county', source: 'push', authority: 'County police', twoPersons: true },
  ],
  ...more,
});

/** A Weir whose threads a test can break: `fault` resolves when one of that role has taken it. */
async function startBreakable() {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  const env = { NODE_OPTIONS: `--import ${FAULT_HOOK}`, WEIR_TEST_FAULT_FOLDER: folder };
  const weir = await startWeirProcess({ config: config(), env });
  const fault = async (role: string, kind: string): Promise<void> => {
    const file = join(folder, role);
    writeFileSync(file, kind);
    await until(
      () => existsSync(file),
      (isThere) => !isThere,
      `the ${role} thread takes its fault`,
    );
  };
  return { weir, fault };
}

async function addressesOf(weir: WeirProcess, name: string): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < SOCKETS; i++) seen.add((await ask({ port: weir.port }, name)).answers.at(-1)?.data ?? 'none');
  return [...seen];
}

describe('a change of a list that takes pushes', () => {
  let weir: WeirProcess;
  let desk: Maintainer;
  beforeAll(async () => {
    weir = await startWeirProcess({ config: config() });
    desk = maintainerOf(weir);
  });

  test('is in force on every thread when it is answered, though the name is cached, and so is its withdrawal', async () => {
    expect(await addressesOf(weir, 'www.bad.example')).toEqual([REAL]);
    expect(await desk.push('desk', ['bad.example'])).toMatchObject({ version: 1, accepted: 1 });
    expect(await addressesOf(weir, 'www.bad.example')).toEqual([SINKHOLE]);
    expect(await desk.push('desk', [], ['bad.example'])).toMatchObject({ version: 2, removed: 1 });
    expect(await addressesOf(weir, 'www.bad.example')).toEqual([REAL]);
  });

  test('keeps what is wrong or risky out, and the rest goes into force as one version', async () => {
    const answer = await desk.push('desk', [
      'good-block.example',
      'not a name',
      'com',
      { name: 'w.example', scope: 'x' },
    ]);
    expect(answer).toMatchObject({
      accepted: 1,
      rejected: [{ code: 'notAName' }, { code: 'badScope' }],
      held: [{ name: 'com', code: 'tld' }],
    });
    expect(await addressesOf(weir, 'good-block.example')).toEqual([SINKHOLE]);
    expect(await addressesOf(weir, 'some.com')).toEqual([REAL]);
    await weir.untilMetric((value) => value === 1, 'weir_list_guard_holds', 'list="desk"', 'guard="tld"');
  });

  test('counts a name in shadow mode, and does not block it', async () => {
    await desk.push('desk', [{ name: 'watched.example', mode: 'shadow' }]);
    expect(await addressesOf(weir, 'watched.example')).toEqual([REAL]);
    expect(await weir.metric('weir_responses_total', 'verdict="shadow"')).toBe(SOCKETS);
  });

  test('of two authorities blocks until both have taken it back; explain shows both, and the history', async () => {
    const county = maintainerOf(weir, ['county'], ['push', 'read'], 'County police');
    await desk.push('desk', [{ name: 'both.example', reference: 'case 1' }]);
    await county.push('county', [{ name: 'both.example', reference: 'case 2' }]);
    const { body } = await desk.get('/v1/explain?name=both.example');
    expect(body).toMatchObject({ verdict: 'blocked', list: 'desk' });
    expect(JSON.stringify(body)).toMatch(/case 1.*case 2|case 2.*case 1/s);
    await desk.push('desk', [], ['both.example']);
    expect(await addressesOf(weir, 'both.example')).toEqual([SINKHOLE]);
    await county.push('county', [], ['both.example']);
    expect(await addressesOf(weir, 'both.example')).toEqual([REAL]);
    const after = await desk.get('/v1/explain?name=both.example');
    expect(JSON.stringify(after.body)).toMatch(/County police/);
  });

  test('of two maintainers who push the same names at once is taken from both, one version after the other', async () => {
    const other = maintainerOf(weir, ['desk', 'county'], ['push', 'read'], 'County');
    const names = Array.from({ length: 50 }, (_, i) => `both-${i}.example`);
    const answers = await Promise.all(
      names.flatMap((name) => [desk.push('desk', [name]), other.push('desk', [name, `of-${name}`])]),
    );
    const versions = answers.map(({ version }) => Number(version));
    // Whoever comes second changes nothing of the name, and has the version that the first has made.
    expect(new Set(versions).size).toBeGreaterThanOrEqual(names.length);
    for (const name of names) {
      expect((await ask({ port: weir.port }, name)).answers.at(-1)?.data).toBe(SINKHOLE);
      expect((await ask({ port: weir.port }, `of-${name}`)).answers.at(-1)?.data).toBe(SINKHOLE);
    }
    const { body } = await desk.get('/v1/lists/desk/versions?limit=200');
    const made = (body['versions'] as { version: number }[]).map(({ version }) => version);
    expect(made).toEqual([...made].sort((a, b) => b - a));
    expect(new Set(made).size).toBe(made.length);
    await desk.push('desk', [], [...names, ...names.map((name) => `of-${name}`)]);
  });

  test('rolled back is taken back, and shown with who did it', async () => {
    const { version } = await desk.push('desk', ['first.example']);
    await desk.push('desk', ['second.example'], ['first.example']);
    const reply = await desk.post('/v1/lists/desk/rollback', { toVersion: version, reason: 'a mistake' });
    expect(reply.status).toBe(200);
    expect(await addressesOf(weir, 'first.example')).toEqual([SINKHOLE]);
    expect(await addressesOf(weir, 'second.example')).toEqual([REAL]);
    const { body } = await desk.get('/v1/lists/desk/versions');
    expect((body['versions'] as { origin: string }[])[0]).toMatchObject({ origin: 'rollback', reason: 'a mistake' });
  });

  test('sent twice with one key is done once, and answered alike', async () => {
    const body = { add: [{ name: 'once.example' }], remove: [], reason: 'a test' };
    const key = { 'idempotency-key': 'abc-123' };
    const first = await desk.post('/v1/lists/desk/changes', body, key);
    const second = await desk.post('/v1/lists/desk/changes', body, key);
    expect(second.body).toEqual({ ...first.body, replayed: true });
  });

  test('stays in force over a reload, and the next one is taken', async () => {
    await desk.push('desk', ['before.example']);
    // Why a reload: the list stays, and what was pushed lies over what is built anew.
    weir.writeConfig(config({ cache: { bytesMax: 1_000_000 } }));
    weir.program.signal('SIGHUP');
    await weir.untilMetric((value) => value === 1, 'weir_config_reloads_total', 'result="ok"');
    await desk.push('desk', ['after.example']);
    for (const name of ['before.example', 'after.example']) expect(await addressesOf(weir, name)).toEqual([SINKHOLE]);
  });
});

test(
  'what was acknowledged is in force after kill -9, from the first answer on; nothing is half',
  { timeout: KILL_TEST_MS },
  async () => {
    let weir = await startWeirProcess({ config: config({ workers: 1 }) });
    const { token } = maintainerOf(weir);
    const acknowledged: string[] = [];
    const attempted: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const desk = asMaintainer(weir.adminUrl, token);
      const enough = Promise.withResolvers<void>();
      const pushing = (async () => {
        for (let i = 0; ; i++) {
          const pair = [`k${kill}n${i}.a.example`, `k${kill}n${i}.b.example`];
          attempted.push(...pair);
          await desk.push('desk', pair);
          acknowledged.push(...pair);
          if (i === 3 + kill) enough.resolve();
        }
      })().catch(() => undefined);
      await enough.promise;
      weir.program.signal('SIGKILL');
      await Promise.all([pushing, weir.program.ended()]);
      weir = await startWeirProcess({ folder: weir.folder, config: config({ workers: 1 }) });
      const blocked = new Set<string>();
      for (const name of attempted) {
        if ((await ask({ port: weir.port }, name)).answers.at(-1)?.data === SINKHOLE) blocked.add(name);
      }
      expect(acknowledged.filter((name) => !blocked.has(name))).toEqual([]);
      // Both names of a change, or neither.
      for (let i = 0; i < attempted.length; i += 2)
        expect(blocked.has(attempted[i]!)).toBe(blocked.has(attempted[i + 1]!));
    }
  },
);

test(
  'a push is not answered while a thread stands still, but when it has been replaced, and then holds on every thread',
  { timeout: FAULT_TEST_MS },
  async () => {
    const { weir, fault } = await startBreakable();
    const desk = maintainerOf(weir);
    await fault('resolver', 'loop');
    await desk.push('desk', ['bad.example']);
    expect(await weir.metric('weir_thread_restarts_total', 'thread="resolver"')).toBe(1);
    expect(await addressesOf(weir, 'bad.example')).toEqual([SINKHOLE]);
  },
);

describe('entries of a list with stages', () => {
  const STAGED = { lists: [{ name: 'desk', source: 'push', rollout: [{ percent: 50 }, { percent: 80 }] }] };
  const CLIENTS = 40;

  /** Client networks, of as many, that are told the sinkhole's address. */
  async function blockedNetworks(weir: WeirProcess, name: string): Promise<string[]> {
    const blocked: string[] = [];
    for (let network = 1; network <= CLIENTS; network++) {
      const client = await UdpClient.open(weir.port, '127.0.0.1', `127.1.${network}.1`);
      const { answers } = decoded(await client.exchange(query(name)));
      if (answers.at(-1)?.data === SINKHOLE) blocked.push(`127.1.${network}`);
      client.close();
    }
    return blocked;
  }

  test('hold for a part of the networks, for more when promoted, for nobody when taken back', async () => {
    const weir = await startWeirProcess({ config: { ...config(), ...STAGED } });
    const desk = maintainerOf(weir);
    await desk.push('desk', ['bad.example']);
    const half = await blockedNetworks(weir, 'bad.example');
    expect(half.length).toBeGreaterThan(CLIENTS / 8);
    expect(half.length).toBeLessThan((CLIENTS * 7) / 8);
    expect(await blockedNetworks(weir, 'bad.example')).toEqual(half);

    const { body } = await desk.get('/v1/rollouts');
    const { id } = (body['rollouts'] as { id: string }[])[0]!;
    expect(await desk.post(`/v1/rollouts/${id}/promote`, { reason: 'all is well' })).toMatchObject({
      status: 200,
      body: { rollout: { percent: 80 } },
    });
    const more = await blockedNetworks(weir, 'bad.example');
    expect(more.filter((network) => half.includes(network))).toEqual(half);
    expect(more.length).toBeGreaterThan(half.length);
    const options = { env: { WEIR_TOKEN: desk.token, WEIR_URL: weir.adminUrl } };
    const moved = await weirCommand(['rollouts', 'promote', id, 'r99', '--reason', 'all is well'], options);
    expect(moved).toMatchObject({ code: 1, stdout: expect.stringContaining(`${id}  desk  1 entry`) as string });
    expect(moved.stderr).toContain('[rolloutUnknown]');
    expect(await blockedNetworks(weir, 'bad.example')).toHaveLength(CLIENTS);

    await desk.push('desk', ['wrong.example']);
    const second = (await desk.get('/v1/rollouts')).body['rollouts'] as { id: string; state: string }[];
    const running = second.find(({ state }) => state === 'running')!;
    const shown = await weirCommand(['rollouts', 'list', '--list', 'desk'], options);
    expect(shown.stdout).toMatch(
      /^r\d+ {2}desk {2}1 entry since version 3 {2}running\n {4}in force for 50 % of the clients; goes on when/,
    );
    expect(await weirCommand(['rollouts', 'abort', running.id, '--reason', 'a bank'], options)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ aborted\n[^]*in force with version 4\n$/) as string,
    });
    expect(await blockedNetworks(weir, 'wrong.example')).toEqual([]);
    expect(await blockedNetworks(weir, 'bad.example')).toHaveLength(CLIENTS);
  });
});

test(
  'a control thread that dies takes nothing with it: what was pushed is in force all the while, and the next push is taken',
  { timeout: FAULT_TEST_MS },
  async () => {
    const { weir, fault: commit } = await startBreakable();
    const desk = maintainerOf(weir);
    for (const [index, fault] of ['throw', 'heap'].entries()) {
      const kept = `kept${index}.example`;
      const { version } = await desk.push('desk', [kept]);
      const load = await QueryLoad.start(weir.port, 2, () => kept);
      await commit('control', fault);
      const answered: string[] = [];
      const isBack = async (): Promise<boolean> => {
        answered.push(...(await addressesOf(weir, kept)));
        const count = await weir.metric('weir_thread_restarts_total', 'thread="control"').catch(() => 0);
        return count === index + 1 && (await fetch(`${weir.adminUrl}/readyz`)).status === 200;
      };
      await until(isBack, (isReady) => isReady, 'the control thread is back', FAULT_TEST_MS / 4);
      expect(await desk.push('desk', [`next${index}.example`])).toMatchObject({ version: Number(version) + 1 });
      expect(await load.stop()).toEqual([]);
      expect([...load.rcodes.keys()]).toEqual([0]);
      expect(new Set(answered)).toEqual(new Set([SINKHOLE]));
      for (const name of [kept, `next${index}.example`]) expect(await addressesOf(weir, name)).toEqual([SINKHOLE]);
    }
  },
);
