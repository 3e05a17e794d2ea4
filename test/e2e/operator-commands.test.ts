/** `weir token` and `weir audit` as the operator runs them: what they print, where, their exit codes, the files they make. */
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ProgramResult } from '../support/child-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { weirCommand } from '../support/weir-command.ts';

const CREATE = ['token', 'create', '--maintainer', 'Fraud desk', '--list', 'desk', '--rights', 'push,read'];

/** A folder with a configuration, and the command line in it. */
function newNode(): {
  folder: string;
  state: string;
  weir: (args: readonly string[], input?: string) => Promise<ProgramResult>;
} {
  const folder = temporaryFolder('operator');
  writeFileSync(join(folder, 'list.txt'), 'evil.example\n');
  writeFileSync(
    join(folder, 'weir.yaml'),
    'stateDirectory: ./state\nlists: [{ name: desk, source: ./list.txt }, { name: county, source: ./list.txt }]\n',
  );
  const weir = (args: readonly string[], input?: string): Promise<ProgramResult> =>
    weirCommand(args, { cwd: folder, ...(input === undefined ? {} : { input }) });
  return { folder, state: join(folder, 'state'), weir };
}

const CONFIG = ['--config', 'weir.yaml'];

describe('weir token', () => {
  const { weir, state } = newNode();
  let made: ProgramResult;
  beforeAll(async () => {
    made = await weir([...CREATE, '--list', 'county', '--expires-days', '30', ...CONFIG]);
  });

  test('create prints the token alone, and tells the rest on standard error', () => {
    expect(made.stdout).toMatch(/^weir_[0-9a-z]{8}_[\w-]{43}\n$/);
    const id = made.stdout.slice(5, 13);
    expect(made.stderr).toMatch(new RegExp(`Token ${id} of Fraud desk: push, read on desk, county, until 20`));
    expect(made.stderr).toContain(`weir token revoke ${id}`);
    expect(made.stderr).toContain('warning: desk takes no pushes');
    expect(made.stderr).not.toContain(made.stdout.slice(14, 57));
    expect(made.code).toBe(0);
  });

  test('create makes the state directory and the ledger, for its user only', () => {
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(statSync(join(state, 'ledger.sqlite')).mode & 0o777).toBe(0o600);
  });

  test('list shows it without its secret, as a table and as JSON', async () => {
    const [table, json] = [
      await weir(['token', 'list', ...CONFIG]),
      await weir(['token', 'list', '--json', ...CONFIG]),
    ];
    const id = made.stdout.slice(5, 13);
    expect(table.stdout).toMatch(new RegExp(`^ID +STATE.*\\n${id}  active +push,read +desk,county .* Fraud desk\\n$`));
    expect(JSON.parse(json.stdout)).toMatchObject([
      {
        id,
        state: 'active',
        maintainer: 'Fraud desk',
        lists: ['desk', 'county'],
        rights: ['push', 'read'],
        revokedAt: null,
      },
    ]);
    expect(table.stdout + json.stdout).not.toContain(made.stdout.slice(14, 57));
  });

  test('revoke ends it, once; both are in the audit chain, which holds and has no secret', async () => {
    const id = made.stdout.slice(5, 13);
    const codes = [];
    for (const which of [id, id, 'zzzzzzzz', made.stdout.trim()])
      codes.push((await weir(['token', 'revoke', which, ...CONFIG])).code);
    expect(codes).toEqual([0, 0, 1, 2]);
    const { stdout } = await weir(['audit', 'export', ...CONFIG]);
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { data: unknown });
    expect(records).toMatchObject([
      { kind: 'token', data: { what: 'created', id } },
      { kind: 'token', data: { what: 'revoked', id } },
    ]);
    expect(stdout).not.toContain(made.stdout.slice(14, 57));
  });

  test.each([
    [
      'a list that the configuration does not have',
      [...CREATE, '--list', 'elsewhere', ...CONFIG],
      2,
      'has no list "elsewhere"',
    ],
    [
      'a right that there is not',
      [...CREATE, '--rights', 'admin', ...CONFIG],
      2,
      'Rights are propose, push, approve, read.',
    ],
    ['no rights', CREATE.slice(0, -2), 2, '--rights'],
    ['a name with control characters', [...CREATE, '--maintainer', 'a\u001b[2J', ...CONFIG], 2, 'printable'],
    ['a life without end', [...CREATE, '--expires-days', '99999', ...CONFIG], 2, 'from 1 to 3650'],
    ['no configuration', [...CREATE, '--config', 'none.yaml'], 78, 'none.yaml'],
  ])('create refuses %s', async (_what, args, code, message) => {
    const result = await weir(args);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });

  test('warns of a ledger that others can read', async () => {
    chmodSync(join(state, 'ledger.sqlite'), 0o644);
    const { stderr, code } = await weir(['token', 'list', ...CONFIG]);
    expect(stderr).toContain('is open to other users (mode 644)');
    expect(code).toBe(0);
  });

  test.runIf(process.getuid?.() === 0)('made by root belongs to whom the state directory belongs to', async () => {
    const node = newNode();
    mkdirSync(node.state);
    chownSync(node.state, 65_534, 65_534);
    expect((await node.weir([...CREATE, ...CONFIG])).code).toBe(0);
    const { uid, gid } = statSync(join(node.state, 'ledger.sqlite'));
    expect([uid, gid]).toEqual([65_534, 65_534]);
  });

  test('leaves alone what is no ledger', async () => {
    const node = newNode();
    mkdirSync(node.state);
    writeFileSync(join(node.state, 'ledger.sqlite'), 'this is something else entirely, and long enough'.repeat(20));
    const { stderr, code } = await node.weir([...CREATE, ...CONFIG]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/damaged|not Weir's ledger/)]);
    expect(readFileSync(join(node.state, 'ledger.sqlite'), 'utf8')).toContain('something else');
  });
});

describe('weir audit', () => {
  const { weir, state, folder } = newNode();
  let heads: string[];
  beforeAll(async () => {
    heads = [];
    for (let index = 0; index < 4; index++) {
      await weir([...CREATE, ...CONFIG]);
      const { stdout } = await weir(['audit', 'verify', ...CONFIG]);
      heads.push(/head: (.*)/.exec(stdout)![1]!);
    }
  });

  test('verify says that the chain holds, and its head', async () => {
    const { stdout, code } = await weir(['audit', 'verify', '--expect', heads[1]!, '--expect', heads[3]!, ...CONFIG]);
    expect(stdout).toBe(`whole: 4 records, 1 to 4\nhead: ${heads[3]}\n`);
    expect(heads[3]).toMatch(/^4:[0-9a-f]{64}$/);
    expect(code).toBe(0);
  });

  test('verify speaks JSON to programs', async () => {
    const { stdout } = await weir(['audit', 'verify', '--json', ...CONFIG]);
    const [seq, hash] = heads[3]!.split(':');
    expect(JSON.parse(stdout)).toEqual({ kind: 'whole', records: 4, firstSeq: 1, head: { seq: Number(seq), hash } });
  });

  test('verify and export do not wait for who is writing, and see what is committed', async () => {
    const db = new DatabaseSync(join(state, 'ledger.sqlite'));
    db.exec('BEGIN IMMEDIATE; DELETE FROM audit');
    const [verified, exported] = [
      await weir(['audit', 'verify', ...CONFIG]),
      await weir(['audit', 'export', ...CONFIG]),
    ];
    db.exec('ROLLBACK');
    db.close();
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('whole: 4 records') });
    expect(exported.stdout.split('\n')).toHaveLength(5);
  });

  test('an export is proved on its own, whole or from some record on', async () => {
    const whole = await weir(['audit', 'export', ...CONFIG]);
    writeFileSync(join(folder, 'export.jsonl'), whole.stdout);
    const proved = await weir(['audit', 'verify', '--file', 'export.jsonl', '--expect', heads[3]!]);
    expect(proved).toMatchObject({ code: 0, stdout: `whole: 4 records, 1 to 4\nhead: ${heads[3]}\n` });
    const later = await weir(['audit', 'export', '--after', '2', ...CONFIG]);
    expect(later.stdout).toBe(whole.stdout.split('\n').slice(2).join('\n'));
    expect(await weir(['audit', 'verify', '--file', '-'], later.stdout)).toMatchObject({ code: 1 });
    const part = await weir(['audit', 'verify', '--file', '-', '--part'], later.stdout);
    expect(part.stdout).toContain('whole: 2 records, 3 to 4; what was before record 3 is not looked at\n');
  });

  test.each([
    [
      'a changed word',
      (text: string) => text.replace('Fraud desk', 'Fraud disk'),
      '(altered): record 1 was altered (line 1)',
    ],
    [
      'a line taken out',
      (text: string) => text.replace(/\n.*"seq":3.*/, '').replace(/\n\{"seq":3.*/, ''),
      '(missing): record 3 is missing',
    ],
    ['a line twice', (text: string) => text + text.split('\n')[3]! + '\n', '(outOfOrder)'],
    ['its last line gone', (text: string) => text.split('\n').slice(0, 3).join('\n'), '(cutShort)'],
    ['half a line', (text: string) => text.slice(0, -40), 'line 4 of - is no record'],
    ['spaces in it', (text: string) => text.replace('"seq":2', '"seq": 2'), 'line 2 of - is no record'],
    ['octets that are no text', (text: string) => text.replace('Fraud', '\ufffd'), '(altered)'],
  ])('an export with %s is found out', async (_what, change, message) => {
    const { stdout } = await weir(['audit', 'export', ...CONFIG]);
    const result = await weir(['audit', 'verify', '--file', '-', '--expect', heads[3]!], change(stdout));
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(1);
  });

  test('an export of one list has the records of that list', async () => {
    const { stdout, code } = await weir(['audit', 'export', '--list', 'desk', ...CONFIG]);
    expect([stdout, code]).toEqual(['', 0]);
  });

  test.each([
    ['a head that is none', ['--expect', '4'], 2],
    ['--part without a file', ['--part'], 2],
    ['a file that is not there', ['--file', 'none.jsonl'], 1],
  ])('verify refuses %s', async (_what, args, code) => {
    expect((await weir(['audit', 'verify', ...args, ...CONFIG])).code).toBe(code);
  });

  test('verify says that there is no ledger, and makes none', async () => {
    const node = newNode();
    const { stderr, code } = await node.weir(['audit', 'verify', ...CONFIG]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no ledger')]);
    expect(() => statSync(node.state)).toThrow('ENOENT');
  });

  test('what is done to the file behind Weir’s back is found', async () => {
    const db = new DatabaseSync(join(state, 'ledger.sqlite'));
    db.exec(`UPDATE audit SET data = replace(data, 'Fraud', 'Freud') WHERE seq = 2`);
    db.close();
    const { stderr, stdout, code } = await weir(['audit', 'verify', ...CONFIG]);
    expect([stdout, code]).toEqual(['', 1]);
    expect(stderr).toContain('the audit chain is broken (altered): record 2 was altered');
  });
});
