/**
 * Keys, signatures and feeds against the minisign program (Debian's), both ways: what we sign it believes, what it signs
 * we believe; keys of either, with and without a password.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKey, readSecretKey, signDetached } from '../../src/control-plane/feed/minisign-secret-key.ts';
import {
  parsePublicKey,
  parseSignature,
  publicKeyFile,
  verifySignature,
} from '../../src/control-plane/feed/minisign.ts';
import { runProgram } from '../support/child-program.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';

const PASSWORD = 'correct horse';
const CONTENT = 'what is signed\n';
let folder: string;

const inFolder = (name: string): string => join(folder, name);
const text = (name: string): string => readFileSync(inFolder(name), 'utf8');

async function minisign(args: readonly string[], input = ''): Promise<{ code: number | null; output: string }> {
  const { code, stdout, stderr } = await runProgram('minisign', args, { cwd: folder, input });
  return { code, output: stdout + stderr };
}

async function weir(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const { code, stdout, stderr } = await runProgram(process.execPath, [join(PROJECT_ROOT, 'src/main.ts'), ...args], {
    cwd: folder,
  });
  return { code, output: stdout + stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-minisign-'));
  writeFileSync(inFolder('content'), CONTENT);
  writeFileSync(inFolder('password'), `${PASSWORD}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function verify(signatureText: string, publicText: string) {
  const key = parsePublicKey(publicText);
  const signature = parseSignature(signatureText);
  if (key.kind === 'bad' || signature.kind === 'bad') throw new Error('it cannot be read');
  return verifySignature(Buffer.from(CONTENT), signature.value, [key.value]);
}

describe.each([
  ['without a password', undefined],
  ['with one', PASSWORD],
])('keys %s', (_, password) => {
  const name = password === undefined ? 'plain' : 'locked';
  const asked = password === undefined ? '' : `${password}\n`;

  test('of minisign sign here, and minisign believes it', async () => {
    const flags = password === undefined ? ['-W'] : [];
    await minisign(['-G', '-f', ...flags, '-p', `${name}.pub`, '-s', `${name}.key`], asked + asked);
    const key = await readSecretKey(text(`${name}.key`), password);
    if (key.kind === 'bad') throw new Error(key.message);
    expect(publicKeyFile(key.value.publicKey)).toBe(text(`${name}.pub`));
    writeFileSync(inFolder('ours.minisig'), signDetached(Buffer.from(CONTENT), key.value, 'timestamp:7\tfile:content'));
    const good = await minisign(['-V', '-m', 'content', '-x', 'ours.minisig', '-p', `${name}.pub`]);
    expect(good).toMatchObject({ code: 0 });
    expect(good.output).toMatch(/comment signature verified[^]*timestamp:7\tfile:content/);
  });

  test.each([
    ['prehashed', []],
    ['legacy', ['-l']],
  ])('of minisign sign there (%s), and we believe it', async (_how, flags) => {
    const args = ['-S', ...flags, '-m', 'content', '-x', 'theirs.minisig', '-s', `${name}.key`, '-t', 'a comment'];
    expect(await minisign(args, asked)).toMatchObject({ code: 0 });
    expect(verify(text('theirs.minisig'), text(`${name}.pub`))).toMatchObject({
      kind: 'good',
      trustedComment: 'a comment',
    });
  });

  test('of ours sign there, and both believe it', async () => {
    const { secretKeyFile, publicKey } = await generateKey(password);
    writeFileSync(inFolder(`our-${name}.key`), secretKeyFile);
    writeFileSync(inFolder(`our-${name}.pub`), publicKeyFile(publicKey));
    const sign = ['-S', '-m', 'content', '-x', 'by-our-key.minisig', '-s', `our-${name}.key`];
    expect(await minisign(sign, asked)).toMatchObject({ code: 0 });
    expect(await minisign(['-V', '-m', 'content', '-x', 'by-our-key.minisig', '-P', publicKey.text])).toMatchObject({
      code: 0,
    });
    expect(verify(text('by-our-key.minisig'), text(`our-${name}.pub`)).kind).toBe('good');
    const recreated = await minisign(['-R', '-f', '-s', `our-${name}.key`, '-p', 'recreated.pub'], asked);
    expect(recreated).toMatchObject({ code: 0 });
    expect(text('recreated.pub')).toBe(text(`our-${name}.pub`));
  });
});

test('minisign does not believe what was changed after we signed it', async () => {
  const key = await readSecretKey(text('plain.key'), undefined);
  if (key.kind === 'bad') throw new Error(key.message);
  writeFileSync(inFolder('ours.minisig'), signDetached(Buffer.from('something else'), key.value, 'x'));
  expect((await minisign(['-V', '-m', 'content', '-x', 'ours.minisig', '-p', 'plain.pub'])).code).not.toBe(0);
});

describe('a feed', () => {
  test('of weir feed build is verified by minisign, in both of its forms', async () => {
    writeFileSync(inFolder('list.txt'), 'a.top\nb.top\n');
    const args = ['build', 'list.txt', '--list', 'desk', '--out', 'out', '--secret-key', 'locked.key'];
    expect(await weir('feed', ...args, '--password-file', 'password')).toMatchObject({ code: 0 });
    expect(await minisign(['-V', '-m', 'out/manifest.json', '-p', 'locked.pub'])).toMatchObject({ code: 0 });
    const lines = text('out/manifest.signed').split('\n');
    writeFileSync(inFolder('taken.minisig'), `${lines.slice(0, 4).join('\n')}\n`);
    writeFileSync(inFolder('taken'), lines.slice(4).join('\n'));
    expect(await minisign(['-V', '-m', 'taken', '-p', 'locked.pub'])).toMatchObject({ code: 0 });
  });

  test('that minisign has signed again is believed by weir feed verify', async () => {
    const sign = ['-S', '-m', 'out/manifest.json', '-s', 'plain.key', '-t', 'by hand'];
    expect(await minisign(sign)).toMatchObject({ code: 0 });
    writeFileSync(inFolder('out/manifest.signed'), text('out/manifest.json.minisig') + text('out/manifest.json'));
    expect(await weir('feed', 'verify', 'out', '--key', 'plain.pub')).toMatchObject({ code: 0 });
    expect(await weir('feed', 'verify', 'out', '--key', 'locked.pub')).toMatchObject({ code: 1 });
  });
});
