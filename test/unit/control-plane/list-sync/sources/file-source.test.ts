import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileSource } from '../../../../../src/control-plane/list-sync/sources/file-source.ts';
import type { ListSource } from '../../../../../src/control-plane/list-sync/sources/list-source.ts';

let folder: string;
const sources: ListSource[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-file-source-'));
});
afterEach(async () => {
  for (const source of sources.splice(0)) source.close();
  await rm(folder, { recursive: true, force: true });
});

function open(path: string, bytesMax = 1000): ListSource {
  const source = fileSource.create({ location: path, refreshSeconds: 0, bytesMax, fetchTimeoutMs: 0 });
  sources.push(source);
  return source;
}

/** Resolves with the next change that the source announces. */
function nextChange(source: ListSource): Promise<void> {
  return new Promise((resolve) => source.watch(resolve));
}

/** Why the path cannot be read, with a limit of 10 bytes. */
async function failureOf(path: string): Promise<string> {
  const outcome = await open(path, 10).read(request);
  return outcome.kind === 'failed' ? `${outcome.failure.reason}: ${outcome.failure.message}` : outcome.kind;
}

const request = { validators: undefined, force: false };

describe('a file', () => {
  test('is given as a path, and is unchanged the second time unless it is forced', async () => {
    const path = join(folder, 'list.txt');
    await writeFile(path, 'bad.example\n');
    const source = open(path);
    expect(await source.read(request)).toMatchObject({ kind: 'content', input: { kind: 'path', path } });
    expect(await source.read(request)).toEqual({ kind: 'unchanged', confirmed: false });
    expect((await source.read({ ...request, force: true })).kind).toBe('content');
  });

  test('that is missing, a folder, below a file, or too large is a failure that says so', async () => {
    const path = join(folder, 'list.txt');
    await writeFile(path, 'x'.repeat(11));
    expect(await failureOf(join(folder, 'none'))).toBe(`unreadable: ${folder}/none does not exist`);
    expect(await failureOf(folder)).toBe(`unreadable: ${folder} is not a regular file`);
    expect(await failureOf(join(path, 'below'))).toBe(`unreadable: ${path}/below cannot be read (ENOTDIR)`);
    expect(await failureOf(path)).toBe(`tooLarge: ${path} has 11 bytes; bytesMax is 10`);
  });

  test('that changes while it is parsed is not the same any more, and is announced when it is quiet', async () => {
    const path = join(folder, 'list.txt');
    await writeFile(path, 'half\n');
    const source = open(path);
    const outcome = await source.read(request);
    const change = nextChange(source);
    await appendFile(path, 'the other half\n');
    expect(outcome.kind === 'content' && (await outcome.isStillSame())).toBe(false);
    await change;
    expect((await source.read(request)).kind).toBe('content');
  });
});

describe('a change is announced', () => {
  test('when another file is renamed into its place', async () => {
    const path = join(folder, 'list.txt');
    await writeFile(path, 'old\n');
    const source = open(path);
    await source.read(request);
    const change = nextChange(source);
    await writeFile(join(folder, 'new'), 'new\n');
    await rename(join(folder, 'new'), path);
    await change;
    expect((await source.read(request)).kind).toBe('content');
  });

  test('when the folder that holds it is reached through a link that is turned', async () => {
    for (const version of ['v1', 'v2']) {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, 'list.txt'), `${version}\n`);
    }
    await symlink('v1', join(folder, 'current'));
    await symlink('current/list.txt', join(folder, 'list.txt'));
    const source = open(join(folder, 'list.txt'));
    await source.read(request);
    const change = nextChange(source);
    await symlink('v2', join(folder, 'next'));
    await rename(join(folder, 'next'), join(folder, 'current'));
    await change;
    expect((await source.read(request)).kind).toBe('content');
  });

  test('when it goes away, and when it is there for the first time', async () => {
    const path = join(folder, 'list.txt');
    const source = open(path);
    expect((await source.read(request)).kind).toBe('failed');
    const changes: (() => void)[] = [];
    const change = () => new Promise<void>((resolve) => changes.push(resolve));
    const appears = change();
    source.watch(() => changes.shift()?.());
    await writeFile(path, 'new\n');
    await appears;
    expect((await source.read(request)).kind).toBe('content');
    const goes = change();
    await rm(path);
    await goes;
    expect((await source.read(request)).kind).toBe('failed');
  });
});
