/**
 * `weir push`, `weir list versions|rollback` and `weir holds` as a maintainer runs them, against the real routes of the
 * admin API over a ledger that does as it is told.
 */
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { ApiServices } from '../../src/control-plane/admin/api-services.ts';
import { LedgerUnavailable } from '../../src/control-plane/ledger/ledger-failure.ts';
import type { ChangeRequest, HoldRow, Ledger, VersionRow } from '../../src/control-plane/ledger/ledger.ts';
import { closeApis, config, createApi, done, stagingLedger, type ApiHarness } from '../support/api-harness.ts';
import type { ProgramResult } from '../support/child-program.ts';
import { startFakeApi } from '../support/fake-api.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { weirCommand } from '../support/weir-command.ts';

const folder = temporaryFolder('maintainer');
afterEach(closeApis);

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

interface Node {
  readonly api: ApiHarness;
  readonly weir: (who: string, args: readonly string[], input?: string) => Promise<ProgramResult>;
}

async function startNode(ledger: Partial<Ledger>, services: Partial<ApiServices> = {}): Promise<Node> {
  const api = createApi(ledger, services);
  await api.server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.server.server.address() as AddressInfo;
  const weir: Node['weir'] = (who, args, input) =>
    weirCommand(args, {
      env: { WEIR_TOKEN: who, WEIR_URL: `http://127.0.0.1:${port}` },
      ...(input === undefined ? {} : { input }),
    });
  return { api, weir };
}

function recordingLedger(
  answer: Parameters<typeof done>[0] = {},
): Partial<Ledger> & { readonly changes: ChangeRequest[] } {
  const changes: ChangeRequest[] = [];
  const change: Ledger['change'] = (request) => {
    changes.push(request);
    return Promise.resolve(done(answer));
  };
  return { changes, change };
}

describe('weir push', () => {
  test('sends what is on the command line and says what came of it', async () => {
    const held = [
      { name: 'bank.example', scope: 'subtree', code: 'protected', holdId: 'h12', detail: 'it is protected' },
    ] as const;
    const ledger = recordingLedger({ accepted: 2, removed: 1, held, heldTotal: 1 });
    const { weir } = await startNode(ledger);
    const fields = [
      '--scope',
      'exact',
      '--category',
      'loan',
      '--reference',
      'case 7',
      '--expires-at',
      '2030-01-01T00:00:00Z',
      '--note',
      'n',
      '--mode',
      'shadow',
    ];
    const result = await weir('pusher', [
      'push',
      'desk',
      '--add',
      'a.example',
      'bank.example',
      '--add',
      'b.example',
      '--remove',
      'c.example',
      '--reason',
      '案件 7',
      ...fields,
    ]);
    const said = {
      scope: 'exact',
      category: 'loan',
      reference: 'case 7',
      expiresAt: '2030-01-01T00:00:00Z',
      note: 'n',
      mode: 'shadow',
    };
    expect(ledger.changes).toMatchObject([
      {
        list: 'desk',
        reason: '案件 7',
        idempotencyKey: expect.stringMatching(/^weir-push-[0-9a-f-]{36}$/),
        add: ['a.example', 'bank.example', 'b.example'].map((name) => ({ name, ...said })),
        remove: [{ name: 'c.example', scope: 'exact' }],
      },
    ]);
    expect(result.stdout).toContain('desk version 2: 2 accepted, 1 removed, 1 held; in force\n');
    expect(result.stdout).toContain('weir holds release h12 --reason');
    expect([result.stderr, result.code]).toEqual(['', 0]);
  });

  test('tries again with the same key when the ledger is away', async () => {
    const keys: (string | undefined)[] = [];
    const { weir } = await startNode({
      change: ({ idempotencyKey }) => {
        keys.push(idempotencyKey);
        return keys.length === 1
          ? Promise.reject(new LedgerUnavailable('away'))
          : Promise.resolve(done({ isReplay: true }));
      },
    });
    const { stdout, stderr, code } = await weir('pusher', ['push', 'desk', '--add', 'a.example', '--reason', 'r']);
    expect(keys[0]).toBeDefined();
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(stdout).toContain('(done before with this idempotency key; nothing was done twice)');
    expect(stderr).toContain('[storeUnavailable]; trying again in 1 s');
    expect(code).toBe(0);
  });

  test('streams a list of any format, more than a JSON body takes', async () => {
    const ledger = stagingLedger();
    const names = Array.from({ length: 30_000 }, (_, index) => `n${index}.example`);
    const path = file('hosts.gz', gzipSync(names.map((name) => `0.0.0.0 ${name}\n`).join('')));
    const { weir } = await startNode(ledger, {
      config: () => config({ entriesMax: 100_000, bodyBytesMax: 64 * 1024 * 1024 }),
    });
    const result = await weir('pusher', [
      'push',
      'desk',
      '--file',
      path,
      '--remove',
      'old.example',
      '--reason',
      'week 14',
      '--idempotency-key',
      'k1',
    ]);
    expect(ledger.staged).toMatchObject([
      { head: { list: 'desk', reason: 'week 14', idempotencyKey: 'k1' }, end: 'committed' },
    ]);
    expect(ledger.staged[0]!.add).toEqual(names);
    expect(ledger.staged[0]!.remove).toEqual(['old.example']);
    expect(result.stdout).toBe('desk version 2: 30000 accepted, 0 removed; in force\n');
    expect([result.stderr, result.code]).toEqual(['', 0]);
  });

  test('reads standard input, and takes a list back', async () => {
    const ledger = stagingLedger({ accepted: 0, removed: 2 });
    const { weir } = await startNode(ledger);
    const result = await weir(
      'pusher',
      ['push', 'desk', '--remove-file', '-', '--reason', 'r', '--json'],
      'a.example\nb.example\n',
    );
    expect(ledger.staged[0]!.remove).toEqual(['a.example', 'b.example']);
    expect(JSON.parse(result.stdout)).toMatchObject({ version: 2, removed: 2, replayed: false });
    expect(result.code).toBe(0);
  });

  test('takes back what it has begun, where a list turns out to be none', async () => {
    const ledger = stagingLedger();
    const { api, weir } = await startNode(ledger);
    const lines =
      Array.from({ length: 5_000 }, (_, index) => `n${index}.example\n`).join('') + 'not a name at all\n'.repeat(2_000);
    const result = await weir('pusher', [
      'push',
      'desk',
      '--file',
      file('bad.txt', lines),
      '--format',
      'plain',
      '--reason',
      'r',
    ]);
    expect(result.stderr).toMatch(/lines are wrong.*nothing was pushed/);
    expect([result.stdout, result.code]).toEqual(['', 1]);
    expect(api.applied).toEqual([]);
    expect(ledger.staged.filter(({ end }) => end === 'committed')).toEqual([]);
  });

  test('finds out that a token is refused before it sends a list', async () => {
    const { api, weir } = await startNode(stagingLedger());
    const result = await weir('nobody', ['push', 'desk', '--file', file('one.txt', 'a.example\n'), '--reason', 'r']);
    expect(result.stderr).toMatch(/\[unauthenticated\].*--token-file or WEIR_TOKEN/);
    expect(result.code).toBe(1);
    expect(api.requests).toEqual(['/v1/token 401']);
  });

  test.each([
    [
      'a right that the token lacks',
      'reader',
      ['desk'],
      /It needs the right push or propose.*\[forbidden\] .*weir token create/,
    ],
    ['a list that there is not', 'everything', ['nope'], /There is no nope\. \[listUnknown\]/],
  ])('says what to do about %s', async (_what, who, [list], text) => {
    const { weir } = await startNode({});
    const result = await weir(who, ['push', list!, '--add', 'a.example', '--reason', 'r', '--json']);
    expect(result.stderr).toMatch(text);
    expect(JSON.parse(result.stdout)).toMatchObject({ code: expect.any(String), status: expect.any(Number) });
    expect(result.code).toBe(1);
  });

  test('says how to find out what became of it, where the connection breaks and the list cannot be read again', async () => {
    const broken = await startFakeApi((seen, request) => {
      if (seen.method === 'GET') return {};
      request.socket.destroy();
      return undefined;
    });
    const { weir } = await startNode({});
    const args = ['push', 'desk', '--file', '-', '--reason', 'r', '--idempotency-key', 'k7', '--url', broken.url];
    const result = await weir('pusher', args, 'a.example\n');
    expect(result.stderr).toContain('closed the connection');
    expect(result.stderr).toContain('not known. The same command with --idempotency-key k7 finds out');
    expect([result.stdout, result.code]).toEqual(['', 1]);
    expect(broken.seen.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  test.each([
    ['nothing to change', ['push', 'desk', '--reason', 'r']],
    ['no reason', ['push', 'desk', '--add', 'a.example']],
    ['an empty reason', ['push', 'desk', '--add', 'a.example', '--reason', ' ']],
    ['a reason of two lines', ['push', 'desk', '--add', 'a.example', '--reason', 'a\nb']],
    ['no name of a list', ['push', '../x', '--add', 'a.example', '--reason', 'r']],
    ['an empty name', ['push', 'desk', '--add', '', '--reason', 'r']],
    ['a scope that is none', ['push', 'desk', '--add', 'a.example', '--reason', 'r', '--scope', 'all']],
    ['a key with a space', ['push', 'desk', '--add', 'a.example', '--reason', 'r', '--idempotency-key', 'a b']],
    ['a token among the arguments', ['push', 'desk', '--add', 'a.example', '--reason', 'r', '--token', 'weir_x']],
    ['an address in the clear', ['push', 'desk', '--add', 'a.example', '--reason', 'r', '--url', 'http://192.0.2.1']],
  ])('is not sent with %s', async (_what, args) => {
    const { api, weir } = await startNode({});
    const result = await weir('pusher', args);
    expect([result.stdout, result.code]).toEqual(['', 2]);
    expect(api.requests).toEqual([]);
  });
});

describe('weir list versions and rollback', () => {
  const VERSION: VersionRow = {
    version: 41,
    createdAtSeconds: 1_790_000_000,
    maintainer: 'Fraud desk',
    reason: 'case \u001b7',
    origin: 'push',
    added: 3,
    removed: 1,
    entryCount: 1200,
    digest: 'ab',
  };

  test('versions shows them as a table, and as JSON', async () => {
    const asked: unknown[] = [];
    const { weir } = await startNode({
      versions: (list, limit) => {
        asked.push([list, limit]);
        return Promise.resolve([VERSION]);
      },
    });
    const table = await weir('pusher', ['list', 'versions', 'desk', '--limit', '5']);
    expect(table.stdout).toBe(
      'VERSION  AT                    BY    ADDED  REMOVED  ENTRIES  MAINTAINER  REASON\n' +
        '41       2026-09-21T14:13:20Z  push  3      1        1200     Fraud desk  case \\u{1b}7\n',
    );
    const json = await weir('pusher', ['list', 'versions', 'desk', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject([{ version: 41, entries: 1200 }]);
    expect(asked).toEqual([
      ['desk', 5],
      ['desk', 20],
    ]);
  });

  test('rollback makes a new version of an old one', async () => {
    const asked: unknown[] = [];
    const { weir } = await startNode({
      rollback: (list, to, reason, { id }) => {
        asked.push([list, to, reason, id]);
        return Promise.resolve(done({ version: 43, accepted: 5, removed: 7 }));
      },
    });
    const result = await weir('pusher', ['list', 'rollback', 'desk', '--to', '41', '--reason', 'wrong file']);
    expect(asked).toEqual([['desk', 41, 'wrong file', 'aaaaaaaa']]);
    expect(result).toMatchObject({ code: 0, stdout: 'desk version 43: 5 accepted, 7 removed; in force\n', stderr: '' });
  });

  test('rollback to a version that is not kept says so', async () => {
    const { weir } = await startNode({
      rollback: () => Promise.resolve({ kind: 'refused', code: 'versionUnknown', message: 'It is not kept any more.' }),
    });
    const result = await weir('pusher', ['list', 'rollback', 'desk', '--to', '1', '--reason', 'r']);
    expect(result.stderr).toContain('It is not kept any more. [versionUnknown]');
    expect(result.code).toBe(1);
  });
});

function hold(id: string, fields: Partial<HoldRow> = {}): HoldRow {
  return {
    id,
    list: 'desk',
    kind: 'entry',
    name: 'bank.example',
    scope: 'subtree',
    guard: 'protected',
    detail: 'bank.example is a protected name',
    proposer: 'County',
    reason: 'case 7',
    createdAtSeconds: 1_790_000_000,
    state: 'open',
    decidedBy: undefined,
    decidedAtSeconds: undefined,
    decisionReason: undefined,
    ...fields,
  };
}

describe('weir holds', () => {
  test('list shows what waits, page by page, and says when there is more', async () => {
    const all = Array.from({ length: 2_500 }, (_, index) => hold(`h${index}`));
    const { api, weir } = await startNode({
      holds: ({ limit, after }) => {
        const from = after === undefined ? 0 : Number(after.slice(1)) + 1;
        return Promise.resolve(all.slice(from, from + limit));
      },
    });
    const result = await weir('reader', ['holds', 'list', '--json', '--limit', '2200']);
    const ids = (JSON.parse(result.stdout) as HoldRow[]).map(({ id }) => id);
    expect(ids).toEqual(all.slice(0, 2_200).map(({ id }) => id));
    expect(result.stderr).toBe('there are more; --limit shows them\n');
    expect(api.requests).toHaveLength(3);
    const text = await weir('reader', ['holds', 'list', '--limit', '1', '--list', 'desk']);
    expect(text.stdout).toBe(
      'h0  desk  bank.example (subtree)  [protected]  open\n' +
        '    bank.example is a protected name\n' +
        '    proposed by County at 2026-09-21T14:13:20Z: case 7\n',
    );
  });

  test('release and reject decide, each by itself', async () => {
    const asked: unknown[] = [];
    const { weir } = await startNode({
      decideHold: (id, decision, reason, { name }) => {
        asked.push([id, decision, reason, name]);
        if (id === 'h2') return Promise.resolve({ kind: 'refused', code: 'samePerson', message: 'You proposed it.' });
        const state = decision === 'release' ? 'released' : 'rejected';
        const decided = hold(id, { state, decidedBy: name, decidedAtSeconds: 1_790_000_060, decisionReason: reason });
        return Promise.resolve({
          kind: 'decided',
          hold: decided,
          change: decision === 'release' ? done({ version: 9 }) : undefined,
        });
      },
    });
    const released = await weir('approver', ['holds', 'release', 'h1', 'h2', 'h3', '--reason', 'seen']);
    expect(asked).toEqual(['h1', 'h2', 'h3'].map((id) => [id, 'release', 'seen', 'Province']));
    expect(released.stdout).toContain(
      '    released by Province at 2026-09-21T14:14:20Z: seen\n    in force with version 9\n',
    );
    expect(released.stderr).toMatch(/You proposed it\. \[samePerson\] Somebody else with the right approve/);
    expect(released.code).toBe(1);
    const rejected = await weir('approver', ['holds', 'reject', 'h4', '--reason', 'no']);
    expect(rejected).toMatchObject({ code: 0, stderr: '' });
    expect(rejected.stdout).toContain('rejected by Province');
    expect(rejected.stdout).not.toContain('in force');
  });

  test('an id cannot lead elsewhere', async () => {
    const { api, weir } = await startNode({});
    const result = await weir('approver', ['holds', 'reject', '../../v1/rollouts/1', '--reason', 'r']);
    expect(result.code).toBe(1);
    expect(api.requests.join()).not.toContain('rollouts');
  });
});
