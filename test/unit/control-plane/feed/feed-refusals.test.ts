/**
 * What a follower refuses: every refusal is a coded failure and a record in the audit chain, and the last good version
 * stays. A server that lies is test/support/hostile-http-server.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { CREATED_SKEW_MS } from '../../../../src/control-plane/feed/feed-check.ts';
import { sha256Of, type Manifest } from '../../../../src/control-plane/feed/manifest.ts';
import { DAY_MS, FollowerHarness, newKey } from '../../../support/feed-harness.ts';
import { feed, followFeedInEachTest, harness, key, names, server, turn } from '../../../support/followed-feed.ts';

followFeedInEachTest();

const changed = (change: Partial<Manifest>) => feed.release(['c.top'], [], (manifest) => ({ ...manifest, ...change }));

/** A manifest that names `content` as its snapshot, and nothing else leads to its version. */
async function withSnapshot(content: Uint8Array): Promise<void> {
  const file = { url: 'files/snapshot-2.jsonl.zst', bytes: content.length, sha256: sha256Of(content), version: 2 };
  writeFileSync(join(feed.folder, file.url), content);
  await changed({ snapshot: file, deltas: [] });
}

/** Version 1 is in force; the test makes the second one wrong. */
async function refusedAfterGood(reason: string): Promise<void> {
  const inForce = names();
  const updates = harness.ledger.updates.length;
  const status = await turn();
  expect(status.failure?.reason).toBe(reason);
  expect(status.version).toBe(harness.ledger.position.version);
  expect(names()).toEqual(inForce);
  expect(harness.ledger.updates).toHaveLength(updates);
  expect(harness.ledger.isOpen).toBe(false);
  expect(harness.ledger.records.at(-1)).toEqual({
    kind: 'feedRefused',
    list: 'test',
    data: { reason, message: status.failure?.message },
  });
}

describe('refused, and the last good version stays', () => {
  beforeEach(async () => {
    await feed.release(['a.top', 'b.top']);
    await turn();
    expect(names()).toEqual(['a.top', 'b.top']);
  });

  test('a key that is none of the list’s', async () => {
    feed.key = await newKey();
    await feed.release(['c.top']);
    await refusedAfterGood('feedKey');
  });

  test('a manifest that was changed after it was signed', async () => {
    await feed.release(['c.top']);
    const path = join(feed.folder, 'manifest.signed');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"entryCount": 3', '"entryCount": 4'));
    await refusedAfterGood('feedSignature');
  });

  test('a trusted comment that was changed', async () => {
    await feed.release(['c.top']);
    const path = join(feed.folder, 'manifest.signed');
    writeFileSync(path, readFileSync(path, 'utf8').replace('version:2', 'version:3'));
    await refusedAfterGood('feedSignature');
  });

  test('an older version', async () => {
    const path = join(feed.folder, 'manifest.signed');
    const old = readFileSync(path);
    await feed.release(['c.top']);
    await turn();
    writeFileSync(path, old);
    await refusedAfterGood('feedRollback');
  });

  test('another manifest of the same version', async () => {
    await feed.publish({ ...feed.manifest, contentSha256: 'ab'.repeat(32), createdMs: feed.manifest.createdMs + 1 });
    await refusedAfterGood('feedRollback');
  });

  test('the same version as it was signed before', async () => {
    const old = feed.manifest;
    await feed.publish({ ...old, createdMs: old.createdMs + 1 });
    await turn();
    await feed.publish(old);
    await refusedAfterGood('feedRollback');
  });

  test('one that does not follow on what is held', async () => {
    await changed({ previousSha256: 'ab'.repeat(32), previousContentSha256: 'cd'.repeat(32) });
    await refusedAfterGood('feedChain');
  });

  test('deltas that lead elsewhere than the manifest says', async () => {
    await changed({ contentSha256: 'ab'.repeat(32) });
    await refusedAfterGood('feedChain');
  });

  test('one that has expired', async () => {
    await changed({ createdMs: Date.now() - 2 * DAY_MS, expiresMs: Date.now() - DAY_MS });
    await refusedAfterGood('feedExpired');
  });

  test('one from the future, but for a little skew', async () => {
    await changed({ createdMs: Date.now() + CREATED_SKEW_MS + 60_000, expiresMs: Date.now() + DAY_MS });
    await refusedAfterGood('feedExpired');
    await feed.publish({ ...feed.manifest, createdMs: Date.now() + CREATED_SKEW_MS - 60_000 });
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
  });

  test('one of another list', async () => {
    await changed({ list: 'other' });
    await refusedAfterGood('feedList');
  });

  test('one that is signed and yet none', async () => {
    await changed({ deltas: [{ ...feed.manifest.snapshot, from: 1, to: 2 }] });
    await refusedAfterGood('feedFormat');
  });

  test('a document that is none', async () => {
    writeFileSync(join(feed.folder, 'manifest.signed'), '<html>log in</html>');
    await refusedAfterGood('feedFormat');
  });

  test.each([
    ['other content', (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)))],
    ['less', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['more', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
  ])('a file that is not the one named: %s', async (_, lie) => {
    await feed.release(['c.top']);
    server.own = (path) => {
      if (!path.startsWith('files/')) return undefined;
      return (_request, response) => response.end(lie(readFileSync(join(feed.folder, path))));
    };
    await refusedAfterGood('feedHash');
    server.own = () => undefined;
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
  });

  test('a bomb', async () => {
    await withSnapshot(zstdCompressSync('{"name":"a.top"}\n'.repeat(500_000)));
    await refusedAfterGood('tooLarge');
  });

  test('a file over bytesMax is not even fetched', async () => {
    const { snapshot } = feed.manifest;
    await changed({ snapshot: { ...snapshot, bytes: 2 ** 30, version: 2 }, deltas: [] });
    await refusedAfterGood('tooLarge');
    expect(server.paths().at(-1)).toBe('manifest.signed');
  });

  test.each([
    ['no JSON', 'hello\n'],
    ['an unknown key', '{"name":"a.top","kind":"exception"}\n'],
    ['a number for a name', '{"name":7}\n'],
    ['the middle of a line', '{"name":"a.top"}\n{"name":'],
    ['what is not UTF-8', Buffer.from([0x7b, 0xff, 0x0a])],
  ])('a snapshot of %s', async (_, text) => {
    await withSnapshot(zstdCompressSync(text));
    await refusedAfterGood('feedFormat');
  });

  test('a snapshot with fewer entries than the manifest counts', async () => {
    await withSnapshot(zstdCompressSync('{"name":"a.top"}\n'));
    await refusedAfterGood('feedFormat');
  });
});

describe('what is no refusal', () => {
  test('a server that does not answer is a failure and no record', async () => {
    server.own = () => (request) => request.socket.destroy();
    const status = await turn();
    expect(status).toMatchObject({ version: 0, attempted: true });
    expect(['network', 'truncated']).toContain(status.failure?.reason);
    expect(harness.ledger.records).toEqual([]);
  });

  test('a ledger that does not take it leaves what is in force, and the next turn takes it', async () => {
    await feed.release(['a.top']);
    harness.ledger.refuse = { kind: 'refused', code: 'storeFull', message: 'the disk is full' };
    expect((await turn()).failure?.reason).toBe('store');
    harness.ledger.refuse = undefined;
    expect(await turn()).toMatchObject({ version: 1, failure: undefined });
  });

  test('an endless manifest', async () => {
    server.own = () => (_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
      };
      response.on('drain', write);
      write();
    };
    expect((await turn()).failure?.reason).toBe('tooLarge');
  });

  test('a redirect that leaves for another address of this network', async () => {
    server.own = () => (_, response) =>
      response.writeHead(302, { location: 'http://192.168.0.1/manifest.signed' }).end();
    expect((await turn()).failure?.reason).toBe('redirect');
  });

  test('a redirect loop', async () => {
    let at = 0;
    server.own = () => (_, response) => response.writeHead(302, { location: `/feed/manifest.signed?${++at}` }).end();
    expect((await turn()).failure?.reason).toBe('redirect');
  });
});

test('a refusal that repeats is recorded once', async () => {
  await feed.release(['a.top'], [], (manifest) => ({ ...manifest, list: 'other' }));
  const waits = new FollowerHarness();
  const follower = waits.open(server.source, { feedKeys: [key.publicKey.text], refreshSeconds: 0 });
  const second = waits.until(() => waits.statuses.length >= 3);
  await follower.start();
  await second;
  await waits.remove();
  expect(waits.ledger.records).toHaveLength(1);
});
