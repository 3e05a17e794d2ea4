/** `weir list inspect` and `weir list convert` as a person runs them: what they print, where, and their exit codes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import type { ProgramResult } from '../support/child-program.ts';
import { weirCommand } from '../support/weir-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-list-commands-'));
afterAll(() => rmSync(folder, { recursive: true }));

function weirList(args: readonly string[], input?: string): Promise<ProgramResult> {
  return weirCommand(['list', ...args], input === undefined ? {} : { input });
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('weir list inspect', () => {
  test('says what is in a list, what is not and why, and what would be held', async () => {
    const path = file(
      'mixed.txt',
      '\ufeff# head\r\nevil.example\r\n192.0.2.1\r\na b\r\n*.com\r\n.\r\nicbc.com.cn\r\ngithub.io\r\n',
    );
    const { stdout, stderr, code } = await weirList(['inspect', path, '--format', 'plain']);
    expect(stdout.split('\n').slice(2)).toEqual([
      '5 entries, from 8 lines',
      '1 skipped: syntax (not in the syntax of the format) [wrong]',
      '  line 4: a b',
      '1 skipped: ipAddress (an address; DNS blocks names)',
      '  line 3: 192.0.2.1',
      '16.67 % of the lines are wrong',
      '4 would be held by the guard',
      '1 held: root (the root of the DNS)',
      '  line 6: .: it is the root of the DNS: it would block every name',
      '1 held: tld (top-level domains)',
      '  line 5: com: com is a top-level domain',
      '1 held: publicSuffix (public suffixes)',
      '  line 8: github.io: github.io is a public suffix: unrelated customers share it; list the names below it',
      '1 held: protected (protected names)',
      '  line 7: icbc.com.cn: icbc.com.cn is a protected name',
      '',
    ]);
    expect(stdout).toContain('refused (tooManyBadLines): 16.7 % of its lines are wrong, 10 % are allowed');
    expect([stderr, code]).toEqual(['', 1]);
  });

  test('speaks JSON to programs', async () => {
    const { stdout, code } = await weirList(['inspect', file('small.gz', gzipSync('a.example\n')), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'read',
      report: { format: 'plain', compression: 'gzip', entries: 1, lines: 1 },
      holds: { total: 0, byGuard: {} },
    });
    expect(code).toBe(0);
  });

  test('uses the rank list and the shared hosts that it is given', async () => {
    const popular = file('rank.txt', 'www.popular.example\n');
    const shared = file('shared.txt', 'dyn.example\n');
    const list = file('list.txt', 'popular.example\ndyn.example\nx.dyn.example\n');
    const { stdout } = await weirList(['inspect', list, '--popular', popular, '--shared-hosts', shared, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ holds: { total: 2, byGuard: { popularBelow: 1, sharedHost: 1 } } });
  });

  test('reads standard input', async () => {
    const { stdout, code } = await weirList(['inspect', '-', '--json'], '0.0.0.0 a.example\n');
    expect(JSON.parse(stdout)).toMatchObject({ report: { format: 'hosts', entries: 1 } });
    expect(code).toBe(0);
  });

  test.each([
    ['empty.txt', '', 'refused (empty): it is empty'],
    ['page.txt', '<html></html>', 'refused (html): it is a web page, not a list'],
    [
      'cut.gz',
      gzipSync('a.example\n'.repeat(9999)).subarray(0, 60),
      'refused (truncated): its gzip data ends in the middle',
    ],
    ['binary.txt', Buffer.alloc(999, 7), 'refused (binary): it is binary data, not text'],
    [
      'dollar.txt',
      '$0/\n'.repeat(99),
      'refused (nothingUsable): none of its 99 lines is an entry (read as plain); line 1 (notAName): $0/',
    ],
  ])('refuses %s with the reason and exit code 1', async (name, content, message) => {
    const { stdout, code } = await weirList(['inspect', file(name, content)]);
    expect(stdout).toContain(message);
    expect(code).toBe(1);
  });

  test('says that a file is missing, and which formats there are', async () => {
    const missing = await weirList(['inspect', join(folder, 'none.txt')]);
    expect(missing.stdout).toContain('refused (unreadable): no such file');
    expect(missing.code).toBe(1);
    const unknown = await weirList(['inspect', join(folder, 'none.txt'), '--format', 'xml']);
    expect(unknown.stderr).toContain('Formats are jsonl, json, rpz,');
    expect(unknown.code).toBe(2);
  });
});

describe('weir list convert', () => {
  const source =
    '{"name":"a.example","category":"loan"}\n{"name":"b.example","scope":"exact"}\n{"name":"good.a.example","kind":"exception"}\n';

  test('writes the new format on standard output and the account of it on standard error', async () => {
    const { stdout, stderr, code } = await weirList(['convert', '-', '--to', 'adblock'], source);
    expect(stdout).toBe('[Adblock Plus]\n! Title: list\n||a.example^\n|b.example^\n@@||good.a.example^\n');
    expect(stderr).toBe('3 entries from jsonl to adblock\n');
    expect(code).toBe(0);
  });

  test('leaves out what the format cannot say, and says so', async () => {
    const { stdout, stderr } = await weirList(['convert', '-', '--to', 'hosts'], source);
    expect(stdout).toBe('# list\n0.0.0.0 a.example\n');
    expect(stderr).toBe(
      '1 entry from jsonl to hosts\n2 left out, for hosts cannot say them: b.example (exact), good.a.example (subtree exception)\n',
    );
  });

  test('puts a file in place whole or not at all', async () => {
    const output = join(folder, 'out.rpz');
    const list = file('list.jsonl', source);
    expect((await weirList(['convert', list, '--to', 'rpz', '--output', output])).code).toBe(0);
    expect(readFileSync(output, 'utf8')).toContain('good.a.example CNAME rpz-passthru.\n');
    const never = join(folder, 'never.rpz');
    const broken = await weirList(['convert', file('broken.json', '["a.example",'), '--to', 'rpz', '--output', never]);
    expect(broken.stderr).toContain('its JSON ends in the middle (line 1)');
    expect([broken.code, existsSync(never), existsSync(`${never}.part`)]).toEqual([1, false, false]);
  });

  test('wants to be told the target', async () => {
    expect((await weirList(['convert', '-'], source)).code).toBe(2);
  });
});
