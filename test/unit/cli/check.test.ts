import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NameChecker, type CheckResult } from '../../../src/cli/check-name.ts';
import { describeCheck } from '../../../src/cli/check-text.ts';
import type { Config } from '../../../src/config/config.ts';
import { NO_LEDGER, openLedgerReader } from '../../../src/control-plane/ledger/ledger-reader.ts';
import { loadGuard } from '../../../src/control-plane/list-sync/guard-files.ts';
import { guardFilesOnce, loadPolicyOnce } from '../../../src/control-plane/list-sync/load-policy-once.ts';
import { RecordType } from '../../../src/dns/iana.ts';
import { clientOctets } from '../../../src/policy/address.ts';
import { RolloutShare } from '../../../src/policy/rollout-share.ts';
import { publishedPolicy, ruleWords } from '../../support/publish-policy.ts';
import { runProgram, type ProgramResult } from '../../support/child-program.ts';
import { APPROVER, listSettings, openTestLedger, SYSTEM } from '../../support/ledger-harness.ts';
import { SyncHarness, testConfig, type ListInput } from '../../support/list-sync-harness.ts';
import { PROJECT_ROOT } from '../../support/source-files.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-check-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

async function check(
  name: string,
  lists: readonly ListInput[],
  rest: Partial<Config> = {},
  client: string | undefined = '192.0.2.1',
): Promise<CheckResult> {
  const config = testConfig(folder, lists, rest);
  const checker = new NameChecker(config, await loadPolicyOnce(config), {
    ledger: openLedgerReader(config.stateDirectory),
    types: [RecordType.A, RecordType.HTTPS],
    client,
    nowSeconds: 1_700_000_000,
    guard: async () => {
      const guard = await loadGuard(await guardFilesOnce(config));
      return guard.kind === 'guard' ? guard.guard : undefined;
    },
  });
  return checker.check(name);
}

describe('a listed name', () => {
  test('is told of in lines that a list can neither add to nor make a terminal obey', async () => {
    const note = 'x\u001b]0;title\u0007\n  verdict     allowed';
    const entry = { name: 'bad.example', note, authority: '\u202ered', reference: '案号 7' };
    const source = await file('a.jsonl', `${JSON.stringify(entry)}\n`);
    const text = describeCheck(await check('bad.example', [{ name: 'court', source }]));
    expect(text.match(/^ {2}verdict .*$/gm)).toEqual(['  verdict     blocked']);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(text).toContain(String.raw`note        x\u{1b}]0;title\u{7}\u{a}  verdict     allowed`);
    expect(text).toContain('reference   案号 7');
  });

  test('names list, entry, scope, category, authority, reference, version, incident and the answer', async () => {
    const entry = {
      name: 'bad.example',
      scope: 'subtree',
      category: 'loan',
      authority: 'Court 5',
      reference: 'case 7',
    };
    const source = await file('a.jsonl', `${JSON.stringify(entry)}\n`);
    const result = await check('www.bad.example', [{ name: 'court', source }]);
    expect(result).toMatchObject({
      name: 'www.bad.example',
      verdict: 'blocked',
      list: 'court',
      entry: 'bad.example',
      scope: 'subtree',
      category: 'loan',
      authority: 'Court 5',
      reference: 'case 7',
      version: 1,
      action: 'sinkhole',
      order: 'authority',
      specialUse: null,
      answers: [
        { type: 'A', outcome: 'blocked', rcode: 'NOERROR', records: ['A 127.0.0.1'] },
        { type: 'HTTPS', outcome: 'blocked', rcode: 'NOERROR', records: [] },
      ],
      client: { address: '192.0.2.1', served: false, group: null },
    });
    expect(result.incident).toMatch(/^[\dA-Z]{4}-[\dA-Z]{4}-[\dA-Z]{4}$/);
    const text = describeCheck(result);
    expect(text).toContain('list        court (version 1)');
    expect(text).toContain('entry       bad.example (and every name below it)');
    expect(text).toContain('reference   case 7');
    expect(text).toContain('HTTPS query NODATA (no such record) (action sinkhole)');
    expect(text).toContain('192.0.2.1 is refused (clients.allow)');
  });

  test('that is protected says so, whether or not a list watches it', async () => {
    const source = await file('a.txt', 'pay.bank.example\n');
    const rest = { protected: [await file('protected.txt', 'bank.example\n')] };
    const list = { name: 'a', source, mode: 'shadow' as const };
    const watched = await check('pay.bank.example', [{ ...list, approved: ['pay.bank.example'] }], rest);
    expect(watched).toMatchObject({ verdict: 'shadow', list: 'a', protectedBy: 'bank.example' });
    const held = await check('pay.bank.example', [list], rest);
    expect(held).toMatchObject({ verdict: 'allowed', list: null, protectedBy: 'bank.example' });
    expect(describeCheck(held)).toContain('protected   by bank.example (and every name below it)');
    expect(await check('bank.example.net', [list], rest)).toMatchObject({ protectedBy: null, rules: [] });
  });

  test('says of every other rule why it did not win', async () => {
    const a = await file('a.txt', 'bad.example\n');
    const b = await file('b.txt', 'bad.example\n');
    const allow = await file('allow.txt', 'www.bad.example\n');
    const lists = [
      { name: 'a', source: a },
      { name: 'b', source: b, mode: 'shadow' as const },
    ];
    const blocked = await check('bad.example', lists, { allow: [allow] });
    expect(blocked.rules.map(({ list, outcome }) => [list, outcome])).toEqual([
      ['a', 'decides'],
      ['b', 'outranked'],
    ]);
    const allowed = await check('www.bad.example', lists, { allow: [allow] });
    expect(allowed).toMatchObject({ verdict: 'allowlisted', list: allow, incident: null });
    expect(describeCheck(allowed)).toContain('also met    block bad.example (and every name below it) of a');
  });
});

describe('a rule that is being rolled out', () => {
  async function checkFor(client: string | undefined): Promise<string> {
    const config = testConfig(folder, []);
    const stages = [
      { listIndex: 0, slot: 1, permyriad: 10_000 },
      { listIndex: 1, slot: 2, permyriad: 125 },
    ];
    const policy = publishedPolicy({
      entries: [
        { name: 'bad.example', rolloutSlot: 1 },
        { name: 'bad.example', list: 1, rolloutSlot: 2 },
      ],
      rollouts: { key: new Uint8Array(16), stages },
    });
    const loaded = { ...(await loadPolicyOnce(config)), policy };
    const options = { types: [RecordType.A], client, nowSeconds: 1, guard: async () => undefined, ledger: NO_LEDGER };
    return describeCheck(await new NameChecker(config, loaded, options).check('bad.example'));
  }

  test('is shown with its share, and whether it holds for the client', async () => {
    const known = await checkFor('127.0.0.2');
    expect(known).toContain('verdict     blocked');
    expect(known).toContain(
      'rollout     list-0 is being rolled out, and holds for 100 % of the clients, this one among them',
    );
    expect(known).toContain(
      'of list-1: is being rolled out, and holds for 1.25 % of the clients, this one not among them',
    );
    const unknown = await checkFor(undefined);
    expect(unknown).toContain('verdict     allowed: no rule in force covers it');
    expect(unknown).toContain('holds for 100 % of the clients (--client says whether for one)');
  });
});

describe('a name that is not blocked', () => {
  test('is said to be forwarded', async () => {
    const source = await file('a.txt', 'bad.example\n');
    const result = await check('good.example', [{ name: 'a', source }]);
    expect(result).toMatchObject({ verdict: 'allowed', list: null, answers: [{ outcome: 'forwarded' }, {}] });
    expect(describeCheck(result)).toContain('goes to cache and upstreams');
  });

  test('because the guard holds its entry: says so, and why', async () => {
    const source = await file('a.txt', 'bank.example\n');
    const guarded = { protected: [await file('protected.txt', 'bank.example\n')] };
    const result = await check('www.bank.example', [{ name: 'a', source }], guarded);
    expect(result.held).toEqual([
      {
        list: 'a',
        entry: 'bank.example',
        scope: 'subtree',
        guard: 'protected',
        detail: 'bank.example is a protected name',
      },
    ]);
    expect(describeCheck(result)).toContain('not in force: bank.example is a protected name');
  });

  test('because it is answered locally: says so', async () => {
    const result = await check('localhost', []);
    expect(result).toMatchObject({
      specialUse: 'localhost',
      answers: [{ outcome: 'local', records: ['A 127.0.0.1'] }, {}],
    });
  });

  test('the root can be asked about', async () => {
    expect(await check('.', [])).toMatchObject({ name: '.', verdict: 'allowed' });
  });
});

function weir(...args: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, [join(PROJECT_ROOT, 'src/main.ts'), 'check', ...args]);
}

async function configFile(): Promise<string> {
  await file('a.txt', 'bad.example\nb\u00fccher.example\n');
  return file('weir.yaml', 'lists: [{ name: a, source: ./a.txt, authority: us, category: scam, order: operator }]\n');
}

describe('the command', () => {
  test('exits 0 whatever the verdict and takes international names', async () => {
    const { code, stdout } = await weir(
      '--config',
      await configFile(),
      '--json',
      'www.b\u00fccher.example',
      'good.example.',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        name: 'www.xn--bcher-kva.example',
        verdict: 'blocked',
        list: 'a',
        category: 'scam',
        entry: 'xn--bcher-kva.example',
      },
      { name: 'good.example', verdict: 'allowed' },
    ]);
  });

  test.each([
    [['192.0.2.1'], '"192.0.2.1": an IP address, not a domain name'],
    [[`${'a'.repeat(64)}.example`], 'a label of it is longer than 63 characters'],
    [['not a name'], '"not a name": not a domain name'],
    [['bad.example', '--type', 'NONSENSE'], '"NONSENSE" is not a query type'],
    [['bad.example', '--client', 'me'], '"me" is not an IP address'],
    [[], "missing required argument 'name'"],
  ])('exits 2 on %j and says why', async (args, message) => {
    const { code, stdout, stderr } = await weir('--config', await configFile(), ...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  test('finds the entry behind the incident id that somebody was shown, as they type it', async () => {
    const config = await configFile();
    const shown: { incident: string }[] = JSON.parse(
      (await weir('--config', config, '--json', 'www.b\u00fccher.example')).stdout,
    );
    const { incident } = shown[0]!;
    const typed = incident.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    const { code, stdout } = await weir('--config', config, '--json', incident, typed);
    expect(code).toBe(0);
    const meant = { verdict: 'blocked', list: 'a', entry: 'xn--bcher-kva.example', version: 1, incident };
    expect(JSON.parse(stdout)).toMatchObject([meant, meant]);
  });

  test('finds the entry behind an incident id that has left its list since, with what became of it', async () => {
    const ledger = await openTestLedger({ stateDirectory: join(folder, 'state') });
    await ledger.push(['bad.example']);
    const { incident } = await check('www.bad.example', [{ name: 'desk', source: 'push', sourceKind: 'push' }]);
    await ledger.push([], { remove: ['bad.example'], reason: 'all is well' });
    const config = await file('weir.yaml', 'lists: [{ name: desk, source: push }]\nstateDirectory: ./state\n');
    const { code, stdout } = await weir('--config', config, '--json', incident!);
    const removed = { what: 'removed', reason: 'all is well' };
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'bad.example', verdict: 'allowed', history: [removed, {}] }]);
    expect(code).toBe(0);
  });

  test('takes an id of no entry for an error, and a top-level domain of twelve letters for a name', async () => {
    const args = ['ZZZZ-ZZZZ-ZZZZ', 'scholarships', 'good.example'];
    const { code, stdout, stderr } = await weir('--config', await configFile(), '--json', ...args);
    expect(stderr).toContain('no entry that is kept has the incident id ZZZZ-ZZZZ-ZZZZ');
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'scholarships' }, { name: 'good.example' }]);
    expect(code).toBe(2);
  });

  test('exits 78 on a bad configuration', async () => {
    const { code, stderr } = await weir('--config', await file('weir.yaml', 'lists: 7\n'), 'bad.example');
    expect(code).toBe(78);
    expect(stderr).toContain('lists');
  });

  test('warns of a list that is not looked at', async () => {
    const config = await configFile();
    await file('a.txt', '<!doctype html>');
    const { code, stderr } = await weir('--config', config, 'bad.example');
    expect(code).toBe(0);
    expect(stderr).toContain('warning: list a:');
    expect(stderr).toContain('nothing of it is looked at');
  });
});

describe('the ledger, whose writer runs at the same time', () => {
  test('gives the entry, its reference, and who did what with the name, when and why', async () => {
    const ledger = await openTestLedger({ stateDirectory: join(folder, 'state') });
    await ledger.push([{ name: 'bad.example', reference: 'case 7', note: 'a note' }], { reason: 'a complaint' });
    const desk: ListInput = { name: 'desk', source: 'push', sourceKind: 'push' };
    const result = await check('www.bad.example', [desk]);
    expect(result).toMatchObject({ verdict: 'blocked', list: 'desk', version: 1, reference: 'case 7', note: 'a note' });
    expect(result.addedAt).toBe('2027-01-15T08:00:00.000Z');
    expect(result.history).toMatchObject([{ what: 'added', list: 'desk', version: 1, reason: 'a complaint' }]);
    expect(describeCheck(result)).toContain(
      'history     2027-01-15T08:00:00.000Z added on desk (version 1) by Fraud desk: a complaint',
    );
    await ledger.push([], { remove: ['bad.example'], reason: 'all is well' });
    const after = await check('bad.example', [desk]);
    expect(after).toMatchObject({ verdict: 'allowed', reference: null });
    expect(after.history.map(({ what, reason }) => [what, reason])).toEqual([
      ['removed', 'all is well'],
      ['added', 'a complaint'],
    ]);
  });

  test('says for which clients a staged rule holds, by the key that the node has', async () => {
    const stateDirectory = join(folder, 'state');
    const lists = [listSettings({ rolloutStages: [{ percent: 50, seconds: 0 }] })];
    const ledger = await openTestLedger({ stateDirectory, lists });
    const { store } = ledger;
    await ledger.push(['bad.example']);
    const desk: ListInput = { name: 'desk', source: 'push', sourceKind: 'push' };
    const unknown = await check('bad.example', [desk]);
    expect(unknown).toMatchObject({ verdict: 'allowed', rules: [{ outcome: 'rollout', rolloutPercent: 0 }] });
    expect(describeCheck(unknown)).toContain('holds for nobody as far as the ledger says');
    const { warnings } = await loadPolicyOnce(testConfig(folder, [desk]));
    expect(warnings).toEqual([expect.stringMatching(/^rollout\.key of the state directory cannot be read/)]);
    expect(existsSync(join(stateDirectory, 'rollout.key'))).toBe(false);

    await writeFile(join(stateDirectory, 'rollout.key'), new Uint8Array(16));
    const verdictFor = async (client: string) => (await check('bad.example', [desk], {}, client)).verdict;
    const clients = ['192.0.2.1', '192.0.3.1', '192.0.4.1', '192.0.5.1', '192.0.6.1', '192.0.7.1'];
    const stages = [{ listIndex: 0, slot: 1, permyriad: 5_000 }];
    const { lists: published } = publishedPolicy({ lists: [{ name: 'desk' }], entries: [] });
    const share = new RolloutShare({ key: new Uint8Array(16), stages }, published);
    const [word0] = ruleWords({ name: 'bad.example', rolloutSlot: 1 });
    const expected = clients.map((client) => (share.has(word0, clientOctets(client)!) ? 'blocked' : 'allowed'));
    expect(new Set(expected).size).toBe(2);
    expect(await Promise.all(clients.map(verdictFor))).toEqual(expected);
    const [rollout] = await store.rollouts();
    await store.moveRollout(rollout!.id, 'promote', 'a test', SYSTEM);
    expect(await Promise.all(clients.map(verdictFor))).toEqual(clients.map(() => 'blocked'));
  });

  test('says which exception lets a client through, until it is ended', async () => {
    const ledger = await openTestLedger({ stateDirectory: join(folder, 'state') });
    const { store } = ledger;
    await ledger.push(['bad.example']);
    const desk: ListInput = { name: 'desk', source: 'push', sourceKind: 'push' };
    const sent = { name: 'bad.example', scope: 'subtree', hours: 4, reason: 'case 12' } as const;
    await store.createException({ ...sent, clients: '192.0.2.0/24' }, APPROVER);
    const inside = await check('www.bad.example', [desk]);
    expect(inside).toMatchObject({ verdict: 'allowlisted', exception: { id: 'x1', clients: '192.0.2.0/24' } });
    const outside = await check('www.bad.example', [desk], {}, '192.0.3.1');
    expect(outside).toMatchObject({ verdict: 'blocked', exception: null, exceptions: [{ outcome: 'otherClient' }] });
    await store.endException('x1', 'done', APPROVER);
    expect((await check('www.bad.example', [desk])).verdict).toBe('blocked');
  });

  test('says which held names of a pulled list people have let through', async () => {
    const stateDirectory = join(folder, 'state');
    const { store } = await openTestLedger({ stateDirectory, lists: [listSettings({ name: 'a', source: 'pulled' })] });
    const held = { name: 'com', scope: 'subtree' as const, guard: 'tld', detail: 'x' };
    await store.reportListHolds({ list: 'a', version: 1, entries: [held], update: undefined });
    const source = await file('a.txt', 'com\nbad.example\n');
    expect((await check('x.com', [{ name: 'a', source }])).verdict).toBe('allowed');
    const [hold] = await store.holds({ list: 'a', limit: 10 });
    await store.decideHold(hold!.id, 'release', 'a test', APPROVER);
    expect((await check('x.com', [{ name: 'a', source }])).verdict).toBe('blocked');
  });
});

test('an update of a file that would be held is told, and the last good copy is looked at', async () => {
  const names = (to: number): string => Array.from({ length: to }, (_, index) => `n${index}.example\n`).join('');
  const source = await file('a.txt', names(3000));
  const lists = [{ name: 'a', source, shrinkPercentMax: 50 }];
  const harness = await SyncHarness.create();
  try {
    await harness.start(testConfig(folder, lists));
    const copy = join(folder, 'state', 'lists', 'a.segment');
    while (!existsSync(copy)) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    await harness.remove();
  }
  await file('a.txt', names(1000));
  const { warnings, statuses } = await loadPolicyOnce(testConfig(folder, lists));
  expect(warnings).toEqual([expect.stringMatching(/^list a: an update is held: it removes 2000 of 3000 entries/)]);
  expect(statuses).toMatchObject([{ version: 1, entries: 3000 }]);
});
