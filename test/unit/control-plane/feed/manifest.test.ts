/** The form of a manifest: what is written is read back, and any mutation of it that is no manifest is refused. */
import { describe, expect, test } from 'vitest';
import { manifestBytes, parseManifest, type Manifest } from '../../../../src/control-plane/feed/manifest.ts';
import { parseSigned, signedBytes } from '../../../../src/control-plane/feed/signed-manifest.ts';

const SHA = 'ab'.repeat(32);
const file = (url: string) => ({ url, bytes: 10, sha256: SHA });
const good: Manifest = {
  list: 'desk',
  version: 5,
  previousVersion: 4,
  previousSha256: SHA,
  previousContentSha256: SHA,
  contentSha256: SHA,
  createdMs: 1_800_000_000_000,
  expiresMs: 1_800_086_400_000,
  entryCount: 3,
  snapshot: { ...file('files/snapshot-3.jsonl.zst'), version: 3 },
  deltas: [
    { from: 2, to: 3, ...file('files/delta-2-3.jsonl.zst') },
    { from: 3, to: 5, ...file('files/delta-3-5.jsonl.zst') },
  ],
};

/** The document, with the value at a path replaced (undefined: taken out). */
function mutated(path: readonly (string | number)[], value: unknown): Uint8Array {
  const document = JSON.parse(Buffer.from(manifestBytes(good)).toString()) as Record<string, unknown>;
  const parent = path
    .slice(0, -1)
    .reduce<Record<string | number, unknown>>((at, step) => at[step] as Record<string | number, unknown>, document);
  const last = path.at(-1)!;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return Buffer.from(JSON.stringify(document));
}

describe('a manifest', () => {
  test('is read as it was written', () => {
    expect(parseManifest(manifestBytes(good))).toEqual({ kind: 'ok', value: good });
    const first = { ...good, version: 1, previousVersion: 0, previousSha256: '', previousContentSha256: '' };
    const snapshot = { ...good.snapshot, version: 1 };
    expect(parseManifest(manifestBytes({ ...first, snapshot, deltas: [] })).kind).toBe('ok');
  });

  const paths: (string | number)[][] = [
    ...['format', 'list', 'version', 'previousVersion', 'previousSha256', 'previousContentSha256'].map((key) => [key]),
    ...['contentSha256', 'created', 'expires', 'entryCount', 'snapshot', 'deltas'].map((key) => [key]),
    ...['url', 'bytes', 'sha256', 'version'].map((key) => ['snapshot', key]),
    ...['url', 'bytes', 'sha256', 'from', 'to'].map((key) => ['deltas', 0, key]),
  ];
  test.each(paths.map((path) => [path.join('.'), path] as const))('without, or with another kind of, %s', (_, path) => {
    for (const value of [undefined, null, true, -1, 1.5, '', 'X y', [], {}, 2 ** 60, '\0', [1], ['x']]) {
      if (path[0] === 'deltas' && path.length === 1 && Array.isArray(value) && value.length === 0) continue;
      expect(parseManifest(mutated(path, value)).kind).toBe('bad');
    }
  });

  test.each([
    [['extra'], 1],
    [['snapshot', 'extra'], 1],
    [['deltas', 0, 'extra'], 1],
    [['snapshot', 'url'], '../secret'],
    [['snapshot', 'url'], '/etc/passwd'],
    [['snapshot', 'url'], 'https://elsewhere.example/x'],
    [['snapshot', 'url'], 'files/../../x'],
    [['snapshot', 'url'], 'files/.hidden'],
    [['snapshot', 'url'], 'files//x'],
    [['snapshot', 'url'], `files/${'x'.repeat(300)}`],
    [['snapshot', 'sha256'], SHA.toUpperCase()],
    [['snapshot', 'version'], 4],
    [['snapshot', 'version'], 6],
    [['deltas'], []],
    [['deltas', 0, 'to'], 4],
    [['deltas', 1, 'to'], 4],
    [['deltas', 1, 'from'], 5],
    [['previousVersion'], 5],
    [['previousVersion'], 0],
    [['list'], 'Desk'],
    [['format'], 'weir-feed-2'],
    [['expires'], '2020-01-01T00:00:00.000Z'],
    [['created'], '2026-13-01T00:00:00.000Z'],
    [['created'], 'yesterday'],
  ])('%j set to %j', (path, value) => {
    expect(parseManifest(mutated(path, value)).kind).toBe('bad');
  });

  test('too many deltas, too many octets, no JSON, no UTF-8', () => {
    const deltas = Array.from({ length: 1001 }, (_, at) => ({ from: at + 1, to: at + 2, ...file('x') }));
    expect(parseManifest(mutated(['deltas'], deltas)).kind).toBe('bad');
    expect(parseManifest(Buffer.alloc(2 * 1024 * 1024, ' ')).kind).toBe('bad');
    expect(parseManifest(Buffer.from('{')).kind).toBe('bad');
    expect(parseManifest(Buffer.from([0x22, 0xff, 0x22])).kind).toBe('bad');
  });
});

describe('a signed manifest', () => {
  test('is taken apart as it was put together', () => {
    const signed = { signatureText: 'a\nb\nc\nd\n', manifest: new Uint8Array(Buffer.from('{\n}\n')) };
    const parsed = parseSigned(signedBytes(signed));
    expect(parsed.kind === 'ok' && parsed.value.signatureText).toBe(signed.signatureText);
    expect(parsed.kind === 'ok' && Buffer.from(parsed.value.manifest).toString()).toBe('{\n}\n');
  });

  test('with fewer lines, or endless ones, is none', () => {
    expect(parseSigned(Buffer.from('a\nb\nc\n')).kind).toBe('bad');
    expect(parseSigned(Buffer.concat([Buffer.alloc(20_000, 'x'), Buffer.from('\n\n\n\n{}')])).kind).toBe('bad');
  });
});
