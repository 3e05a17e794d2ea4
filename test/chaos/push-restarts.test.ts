/**
 * Everything that people do with a list that takes pushes, with a restart of the process between every two steps; and two
 * of them at once. What each step left is there after the next start, from its first answer on.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { asMaintainer, createToken, type Maintainer } from '../support/maintainer.ts';
import { newFolder, startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';
import { join } from 'node:path';

const SINKHOLE = '192.0.2.53';
/** Of a machine that may be busy: seven starts. */
const TEST_MS = 240_000;
const PUSHES = 40;

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

function start(folder: string): Promise<WeirProcess> {
  return startWeirProcess({
    folder,
    config: {
      upstreams: [upstream.url],
      listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' },
      lists: [{ name: 'desk', source: 'push', twoPersons: true, rollout: [] }],
    },
  });
}

async function blocked(weir: WeirProcess, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    if ((await ask({ port: weir.port }, name)).answers.at(-1)?.data === SINKHOLE) found.push(name);
  }
  return found;
}

const ASKED = ['one.example', 'two.example', 'three.example', 'ends.example', 'some.com'];

test('each step is there after the restart behind it', { timeout: TEST_MS }, async () => {
  const folder = newFolder();
  const state = join(folder, 'state');
  const token = createToken(state, 'Fraud desk', ['desk'], ['push', 'read']);
  const other = createToken(state, 'Regulator', ['desk'], ['approve', 'read']);
  let desk: Maintainer;
  let regulator: Maintainer;
  let holdId = '';
  let firstVersion = 0;
  const steps: readonly {
    readonly what: string;
    readonly run: () => Promise<unknown>;
    readonly left: readonly string[];
  }[] = [
    {
      what: 'a push',
      run: async () => (firstVersion = Number((await desk.push('desk', ['one.example', 'two.example']))['version'])),
      left: ['one.example', 'two.example'],
    },
    {
      what: 'a withdrawal',
      run: () => desk.push('desk', ['three.example'], ['one.example']),
      left: ['two.example', 'three.example'],
    },
    {
      what: 'a hold',
      run: async () => {
        const { held } = (await desk.push('desk', ['com'])) as unknown as { held: { holdId: string }[] };
        holdId = held[0]!.holdId;
      },
      left: ['two.example', 'three.example'],
    },
    {
      what: 'a refusal of who proposed it, and the release by somebody else',
      run: async () => {
        expect((await desk.post(`/v1/holds/${holdId}/release`, { reason: 'mine' })).status).toBe(403);
        expect((await regulator.post(`/v1/holds/${holdId}/release`, { reason: 'looked at' })).status).toBe(200);
      },
      left: ['two.example', 'three.example', 'some.com'],
    },
    {
      what: 'an entry that ends by itself',
      run: () => desk.push('desk', [{ name: 'ends.example', expiresAt: '2099-01-01T00:00:00Z' }], ['com']),
      left: ['two.example', 'three.example', 'ends.example'],
    },
    {
      what: 'a rollback',
      run: async () =>
        expect((await desk.post('/v1/lists/desk/rollback', { toVersion: firstVersion, reason: 'wrong' })).status).toBe(
          200,
        ),
      left: ['one.example', 'two.example'],
    },
  ];
  let version = 0;
  let before: readonly string[] = [];
  const inOrder = (left: readonly string[]): string[] => ASKED.filter((name) => left.includes(name));
  const newestOf = async (maintainer: Maintainer): Promise<number> => {
    const { body } = await maintainer.get('/v1/lists/desk/versions');
    return (body['versions'] as { version: number }[])[0]?.version ?? 0;
  };
  for (const { what, run, left } of [...steps, { what: 'the end', run: async () => {}, left: steps.at(-1)!.left }]) {
    const weir = await start(folder);
    desk = asMaintainer(weir.adminUrl, token);
    regulator = asMaintainer(weir.adminUrl, other);
    expect(await blocked(weir, ASKED), `before ${what}, after a restart`).toEqual(inOrder(before));
    expect(await newestOf(desk)).toBe(version);
    await run();
    expect(await blocked(weir, ASKED), what).toEqual(inOrder(left));
    version = await newestOf(desk);
    before = left;
    expect((await weir.stop()).code).toBe(0);
  }
});

test(
  'two at once: every change of both is in force when it is answered, each as a version of its own',
  { timeout: TEST_MS },
  async () => {
    const folder = newFolder();
    const tokens = ['Fraud desk', 'County police'].map((name) =>
      createToken(join(folder, 'state'), name, ['desk'], ['push', 'read']),
    );
    const weir = await start(folder);
    const versions = await Promise.all(
      tokens.map(async (token, who) => {
        const maintainer = asMaintainer(weir.adminUrl, token);
        const own: number[] = [];
        for (let push = 0; push < PUSHES; push++) {
          const name = `m${who}n${push}.example`;
          // What the other one is about to take back, or has.
          const answer = await maintainer.push('desk', [name, 'both.example'], push % 2 === 1 ? ['both.example'] : []);
          expect(await blocked(weir, [name])).toEqual([name]);
          own.push(Number(answer['version']));
        }
        return own;
      }),
    );
    for (const own of versions) expect(own).toEqual(own.toSorted((a, b) => a - b));
    const changed = new Set(versions.flat());
    expect(changed.size).toBe(2 * PUSHES);
    const all = tokens.flatMap((_, who) => Array.from({ length: PUSHES }, (_one, push) => `m${who}n${push}.example`));
    expect(await blocked(weir, all)).toEqual(all);
    expect(await weir.metric('weir_list_entries', 'list="desk"')).toBeGreaterThanOrEqual(2 * PUSHES);
  },
);
