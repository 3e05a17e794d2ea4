/** `weir feed keygen`, `build` and `verify` as a publisher runs them: what they print, where, and their exit codes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramResult } from '../support/child-program.ts';
import { HostileHttpServer } from '../support/hostile-http-server.ts';
import { weirCommand } from '../support/weir-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-feed-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

function weir(...args: readonly string[]): Promise<ProgramResult> {
  return weirCommand(['feed', ...args], { cwd: folder });
}

const at = (name: string): string => join(folder, name);

async function build(text: string, ...more: readonly string[]): Promise<ProgramResult> {
  writeFileSync(at('list.txt'), text);
  return weir('build', 'list.txt', '--list', 'desk', '--out', 'out', '--secret-key', 'k.key', ...more);
}

function manifest(): { version: number; snapshot: { url: string }; deltas: { url: string }[]; entryCount: number } {
  return JSON.parse(readFileSync(at('out/manifest.json'), 'utf8')) as ReturnType<typeof manifest>;
}

function linesOf(url: string): string[] {
  return zstdDecompressSync(readFileSync(at(`out/${url}`)))
    .toString()
    .trimEnd()
    .split('\n');
}

let publicKey: string;
beforeAll(async () => {
  const { code, stdout, stderr } = await weir('keygen', '--out', 'k');
  expect([code, stderr]).toEqual([0, 'k.key signs: keep it secret. k.pub is for everyone; in feedKeys:\n']);
  publicKey = stdout.trim();
});

describe('weir feed keygen', () => {
  test('prints the public key alone, and lets nobody else read the secret one', () => {
    expect(publicKey).toMatch(/^RW[QRST][A-Za-z0-9+/]{53}$/);
    expect(readFileSync(at('k.pub'), 'utf8')).toContain(publicKey);
    expect(statSync(at('k.key')).mode & 0o777).toBe(0o600);
  });

  test('never overwrites a key', async () => {
    const before = readFileSync(at('k.key'));
    const { code, stderr } = await weir('keygen', '--out', 'k');
    expect([code, stderr]).toEqual([1, 'weir: k.key is there already; it is not overwritten\n']);
    expect(readFileSync(at('k.key'))).toEqual(before);
  });
});

describe('weir feed build', () => {
  test('publishes version after version, with what changed as a delta', async () => {
    const first = await build('b.top\nA.top\nbücher.top\n');
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(/^desk version 1: 3 entries, the first; expires 2/);
    expect(linesOf(manifest().snapshot.url)).toEqual([
      '{"name":"a.top","scope":"subtree"}',
      '{"name":"b.top","scope":"subtree"}',
      '{"name":"xn--bcher-kva.top","scope":"subtree"}',
    ]);
    const second = await build('{"name":"b.top","note":"new"}\n{"name":"a.top","scope":"exact"}\n');
    expect(second.stdout).toMatch(/^desk version 2: 2 entries, 4 changes; /);
    expect(linesOf(manifest().deltas[0]!.url)).toEqual([
      '{"remove":{"name":"a.top","scope":"subtree"}}',
      '{"remove":{"name":"xn--bcher-kva.top","scope":"subtree"}}',
      '{"add":{"name":"a.top","scope":"exact"}}',
      '{"add":{"name":"b.top","scope":"subtree","note":"new"}}',
    ]);
  });

  test('signs what has not changed anew, as the same version', async () => {
    const before = manifest();
    const { stdout } = await build(readFileSync(at('list.txt'), 'utf8'), '--expires-days', '60');
    expect(stdout).toMatch(/^desk version 2: 2 entries, unchanged, signed anew; /);
    expect(manifest()).toMatchObject({ version: before.version, deltas: before.deltas });
    expect((await weir('verify', 'out', '--key', 'k.pub')).code).toBe(0);
  });

  test('keeps so many deltas and no file that nothing names', async () => {
    for (let round = 0; round < 4; round += 1) await build(`a.top\n${round}.top\n`, '--deltas-max', '2');
    const { deltas, version } = manifest();
    expect([version, deltas.length]).toEqual([6, 2]);
    const kept = readdirSync(at('out/files')).filter((name) => name.startsWith('snapshot'));
    expect(kept).toHaveLength(2);
  });

  test('refuses a list that is none, and leaves what is published', async () => {
    const before = readFileSync(at('out/manifest.signed'));
    const refused = await build('<html>log in</html>\n');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^weir: list\.txt: it is a web page/);
    expect(readFileSync(at('out/manifest.signed'))).toEqual(before);
  });

  const withNextKey = ['build', 'list.txt', '--list', 'desk', '--out', 'out', '--secret-key', 'next.key'];

  test('goes on with another key only where it is told which one signed until now', async () => {
    await weir('keygen', '--out', 'next');
    writeFileSync(at('list.txt'), 'c.top\n');
    const refused = await weir(...withNextKey);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/--previous-key names the key/)]);
    expect((await weir(...withNextKey, '--previous-key', publicKey)).stdout).toMatch(/^desk version 7: 1 entry, /);
  });

  test('and is believed by who has both keys', async () => {
    expect((await weir('verify', 'out', '--key', publicKey)).code).toBe(1);
    expect((await weir('verify', 'out', '--key', publicKey, '--key', 'next.pub')).code).toBe(0);
  });

  test('is told apart from the feed of another list', async () => {
    const args = ['build', 'list.txt', '--list', 'other', '--out', 'out', '--secret-key', 'next.key'];
    expect((await weir(...args)).stderr).toBe('weir: out is the feed of the list desk\n');
  });

  test.each([[['--list', 'Desk']], [['--expires-days', '0']], [['--previous-key', 'nonsense']]])(
    '%j is a mistake in the command',
    async (args) => {
      expect((await build('a.top\n', ...args)).code).toBe(2);
    },
  );
});

describe('weir feed verify', () => {
  test('says what it found', async () => {
    const { code, stdout, stderr } = await weir('verify', 'out', '--key', 'next.pub');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^desk version 7: 1 entry, 3 deltas, signed by [0-9A-F]{1,16}, expires 2/);
  });

  test('over HTTP, and says which file is wrong', async () => {
    const server = await HostileHttpServer.start();
    let broken = '';
    server.handler = (request, response) => {
      const content = readFileSync(at(`out${new URL(request.url ?? '', 'http://x').pathname}`));
      if (request.url?.includes(broken) === true && broken !== '') content[20]! ^= 1;
      response.end(content);
    };
    const url = server.url('/');
    expect((await weir('verify', url, '--key', 'next.pub')).code).toBe(0);
    broken = manifest().deltas[0]!.url;
    const refused = await weir('verify', url, '--key', 'next.pub');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(`${broken}: .*not the file that the manifest`),
    ]);
    await server.close();
  });

  test.each([
    ['a manifest that is not the signed one', () => writeFileSync(at('out/manifest.json'), '{}')],
    ['a file that is lost', () => rmSync(at(`out/${manifest().snapshot.url}`))],
  ])('finds %s', async (_, harm) => {
    await weir('build', 'list.txt', '--list', 'desk', '--out', 'out', '--secret-key', 'next.key');
    harm();
    expect((await weir('verify', 'out', '--key', 'next.pub')).code).toBe(1);
  });
});
