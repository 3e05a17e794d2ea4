/** How a follower comes from version to version, and what a death on the way leaves. Refusals: feed-refusals.test.ts. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { writeFeedFile } from '../../../../src/control-plane/feed/feed-file-writer.ts';
import { WAIT_SECONDS_MAX, WAITING_BACKOFF_MS_MAX } from '../../../../src/control-plane/feed/feed-follower.ts';
import { FOLDED_MAX } from '../../../../src/control-plane/feed/feed-update.ts';
import { DAY_MS, newKey } from '../../../support/feed-harness.ts';
import { feed, followFeedInEachTest, harness, key, names, server, turn } from '../../../support/followed-feed.ts';

followFeedInEachTest();

describe('a good feed', () => {
  test('comes by the snapshot, then by a delta, and puts in force what is committed', async () => {
    await feed.release(['a.top', 'b.top']);
    expect(await turn()).toMatchObject({ version: 1, attempted: true, failure: undefined });
    await feed.release(['c.top'], ['a.top']);
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
    expect(names()).toEqual(['b.top', 'c.top']);
    expect(harness.ledger.updates.map(({ fromVersion }) => fromVersion)).toEqual([undefined, 1]);
    expect(harness.deltas).toHaveLength(2);
    expect(server.paths().filter((path) => path.includes('snapshot'))).toHaveLength(1);
  });

  test('several deltas come as one change, folded by name', async () => {
    await feed.release(Array.from({ length: 200 }, (_, at) => `many-${at}.top`));
    await turn();
    await feed.release(['x.top']);
    await feed.release([], ['x.top']);
    await feed.release(['x.top', 'y.top']);
    await feed.release(['z.top'], ['y.top']);
    await turn();
    expect(harness.ledger.updates.map(({ version }) => version)).toEqual([1, 5]);
    expect(names()).toHaveLength(202);
    expect(harness.ledger.names).toContain('z.top');
    expect(harness.ledger.names).not.toContain('y.top');
  });

  test('where no delta leads on, the snapshot replaces all', async () => {
    feed.deltasMax = 1;
    await feed.release(['a.top']);
    await turn();
    await feed.release(['b.top']);
    await feed.release(['c.top'], ['a.top']);
    expect(await turn()).toMatchObject({ version: 3, failure: undefined });
    expect(names()).toEqual(['b.top', 'c.top']);
    expect(harness.ledger.updates.at(-1)?.fromVersion).toBeUndefined();
  });

  test('where a delta is not there any more, the snapshot replaces all', async () => {
    await feed.release(['a.top']);
    await turn();
    await feed.release(['b.top'], ['a.top']);
    const { url } = feed.manifest.deltas[0]!;
    rmSync(join(feed.folder, url));
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
    expect(names()).toEqual(['b.top']);
    expect(harness.ledger.updates.at(-1)?.fromVersion).toBeUndefined();
    expect(server.paths().filter((path) => path === url)).toHaveLength(1);
  });

  test('where a delta has more lines than are folded, the snapshot replaces all', async () => {
    await feed.release(['a.top']);
    await turn();
    const removals = Array.from({ length: FOLDED_MAX / 2 + 1 }, (_, at) => `{"remove":{"name":"n${at}.top"}}\n`);
    const { bytes, sha256, url } = await writeFeedFile(feed.folder, 'delta-1-2', removals);
    const delta = { from: 1, to: 2, bytes, sha256, url };
    await feed.release(['b.top'], ['a.top'], (manifest) => ({ ...manifest, deltas: [delta] }));
    expect(await turn({ bytesMax: 2 ** 24 })).toMatchObject({ version: 2, failure: undefined });
    expect(names()).toEqual(['b.top']);
    expect(harness.ledger.updates.at(-1)?.fromVersion).toBeUndefined();
  });

  test('a snapshot that is behind is led on from by the deltas', async () => {
    await feed.release(['a.top', 'b.top']);
    const { snapshot } = feed.manifest;
    await feed.release(['c.top'], ['a.top'], (manifest) => ({ ...manifest, snapshot }));
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
    expect(names()).toEqual(['b.top', 'c.top']);
  });

  test('an unchanged feed fetches its manifest and nothing else', async () => {
    await feed.release(['a.top']);
    await turn();
    const before = server.paths().length;
    expect(await turn()).toMatchObject({ version: 1, failure: undefined });
    expect(server.paths().slice(before)).toEqual(['manifest.signed']);
  });

  test('is believed with either of two keys while they are changed over, and each change is a record', async () => {
    const old = key;
    const next = await newKey();
    const both = { feedKeys: [old.publicKey.text, next.publicKey.text] };
    await feed.release(['a.top']);
    await turn(both);
    feed.key = next;
    await feed.release(['b.top']);
    expect(await turn(both)).toMatchObject({ version: 2, failure: undefined });
    expect(harness.ledger.position.keyId).toBe(next.publicKey.id);
    await feed.publish({ ...feed.manifest, createdMs: feed.manifest.createdMs + 1 });
    feed.key = old;
    await feed.publish({ ...feed.manifest, createdMs: feed.manifest.createdMs + 2 });
    await turn(both);
    await turn(both);
    const record = { kind: 'feedKey', list: 'test' };
    const [first, second] = [old.publicKey.id, next.publicKey.id];
    expect(harness.ledger.records).toEqual([
      { ...record, data: { key: first, before: null } },
      { ...record, data: { key: second, before: first } },
      { ...record, data: { key: first, before: second } },
    ]);
  });

  test('signed anew with a later end is no other version, and the next one follows on it', async () => {
    await feed.release(['a.top']);
    await turn();
    const renewed = { ...feed.manifest, createdMs: feed.manifest.createdMs + 1, expiresMs: Date.now() + 2 * DAY_MS };
    await feed.publish(renewed);
    // Why not looked at by the follower: one that was away when it was signed anew must be able to go on.
    await feed.release(['b.top']);
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
  });

  test('of a server that has the two documents only', async () => {
    server.own = (path) => (path === 'manifest.signed' ? (_, response) => response.writeHead(404).end() : undefined);
    await feed.release(['a.top']);
    expect(await turn()).toMatchObject({ version: 1, failure: undefined });
  });

  test('of which one is replaced between the two requests is asked again', async () => {
    await feed.release(['a.top']);
    const oldSignature = readFileSync(join(feed.folder, 'manifest.json.minisig'));
    await feed.release(['b.top']);
    let asked = 0;
    server.own = (path) => {
      if (path === 'manifest.signed') return (_, response) => response.writeHead(404).end();
      if (path !== 'manifest.json.minisig' || ++asked > 1) return undefined;
      return (_, response) => response.end(oldSignature);
    };
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
    expect(asked).toBe(2);
  });

  test('whose server redirects says where to: to the snapshot too before the ledger looks at an entry', async () => {
    await feed.release(['a.top']);
    const elsewhere = (path: string): string => server.http.url(`/feed/${path}?here`).replace('127.0.0.1', 'localhost');
    server.own = (path) => (request, response) => {
      if (request.url?.endsWith('?here') === true) return response.end(readFileSync(join(feed.folder, path)));
      return response.writeHead(302, { location: elsewhere(path) }).end();
    };
    let known = 0;
    harness.ledger.fault = (step) => void (step === 'begin' && (known = harness.redirects.length));
    expect(await turn()).toMatchObject({ version: 1, failure: undefined });
    expect([known, harness.redirects]).toEqual([2, ['localhost', 'localhost']]);
  });

  test('the token goes to the feed', async () => {
    await feed.release(['a.top']);
    const tokenFile = join(harness.stateDirectory, 'token');
    writeFileSync(tokenFile, 'weir_secret\n');
    await turn({ tokenFile });
    expect(server.http.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer weir_secret',
      'Bearer weir_secret',
    ]);
  });
});

test('what is durable and could not be put in force is, in the next turn', async () => {
  await feed.release(['a.top']);
  let calls = 0;
  harness.onDelta = () => (++calls === 1 ? Promise.reject(new Error('the compile thread died')) : Promise.resolve());
  const follower = harness.open(server.source, { feedKeys: [key.publicKey.text], refreshSeconds: 0 });
  const good = harness.until(({ failure }) => failure === undefined);
  await follower.start();
  await good;
  await harness.close();
  expect(harness.deltas.map(({ toVersion }) => toVersion)).toEqual([1, 1]);
});

describe('dying between any two steps of an update', () => {
  test.each(['begin', 'stage', 'commit', 'inForce'])('at %s', async (step) => {
    await feed.release(['a.top']);
    await turn();
    await feed.release(['b.top'], ['a.top']);
    const die = (at: string): void => {
      if (at === step) throw new Error('killed');
    };
    harness.ledger.fault = die;
    harness.onDelta = async () => die('inForce');
    expect((await turn()).failure?.reason).toBe('internal');
    expect(names()).toEqual(step === 'inForce' ? ['b.top'] : ['a.top']);
    harness.ledger.fault = () => undefined;
    harness.onDelta = () => Promise.resolve();
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
    expect(names()).toEqual(['b.top']);
  });

  test('after the commit, before the manifest was kept: the next version follows on all the same', async () => {
    await feed.release(['a.top']);
    await turn();
    const kept = join(harness.stateDirectory, 'feeds/test/followed.signed');
    const old = readFileSync(kept);
    await feed.release(['b.top']);
    await turn();
    writeFileSync(kept, old);
    expect(await turn()).toMatchObject({ version: 2, failure: undefined });
    await feed.release(['c.top']);
    expect(await turn()).toMatchObject({ version: 3, failure: undefined });
    expect(names()).toEqual(['a.top', 'b.top', 'c.top']);
  });
});

describe('a server that waits', () => {
  test('is asked for what comes after the version in force, and heard at once', async () => {
    await feed.release(['a.top']);
    const waiting = Promise.withResolvers<() => void>();
    server.own = (path) => {
      if (path !== 'manifest.signed') return undefined;
      return (request, response) => {
        response.setHeader('Weir-Feed-Wait', '30');
        const answer = (): void => void response.end(readFileSync(join(feed.folder, 'manifest.signed')));
        if (request.url?.includes('after=1&wait=30') === true) waiting.resolve(answer);
        else if (request.url?.includes('after=') !== true) answer();
      };
    };
    const follower = harness.open(server.source, { feedKeys: [key.publicKey.text] });
    await follower.start();
    const answer = await waiting.promise;
    await feed.release(['b.top']);
    const inForce = harness.until(({ version }) => version === 2);
    answer();
    await inForce;
    expect(names()).toEqual(['a.top', 'b.top']);
  });

  test('is asked to wait no longer than a minute, however long it would', async () => {
    await feed.release(['a.top']);
    const asked = Promise.withResolvers<string>();
    server.own = (path) => {
      if (path !== 'manifest.signed') return undefined;
      return ({ url = '' }, response) => {
        if (url.includes('wait=')) return asked.resolve(url);
        response.setHeader('Weir-Feed-Wait', '3600');
        response.end(readFileSync(join(feed.folder, 'manifest.signed')));
      };
    };
    await harness.open(server.source, { feedKeys: [key.publicKey.text] }).start();
    expect(await asked.promise).toContain(`after=1&wait=${WAIT_SECONDS_MAX}`);
    expect(WAIT_SECONDS_MAX).toBe(60);
  });

  test.each([
    ['that waits is asked again soon', true, WAITING_BACKOFF_MS_MAX],
    ['that does not wait may say when', false, 3_000_000],
  ])('after a failure, a server %s', async (_, waits, pauseMs) => {
    let asked = 0;
    server.own = () => (__, response) => {
      asked += 1;
      if (waits && asked === 1) response.writeHead(404, { 'Weir-Feed-Wait': '30' }).end();
      else response.writeHead(503, { 'Retry-After': '3000' }).end();
    };
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const failed = harness.until(({ failure }) => failure !== undefined);
    const follower = harness.open(server.source, { feedKeys: [key.publicKey.text], refreshSeconds: 3600 });
    try {
      await follower.start();
      await failed;
      await vi.waitFor(() => expect(timers.mock.calls.map(([, ms]) => ms)).toContain(pauseMs));
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('and has no version yet is no failure', async () => {
    server.own = () => (_, response) => response.writeHead(404, { 'Weir-Feed-Wait': '30' }).end();
    expect(await turn()).toMatchObject({ version: 0, attempted: true, failure: undefined });
  });
});
