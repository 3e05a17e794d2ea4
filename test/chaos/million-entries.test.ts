/**
 * A million entries in one change of a list that takes pushes, and on a node that follows the list as a feed: all of them
 * in force on both, taken back one by one and as a whole, and there after kill -9. The short form has 100,000.
 * WEIR_TEST_NAMES=FILE takes the names of a file instead (one a line, .zst or not), of which the guard may hold some.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateKey } from '../../src/control-plane/feed/minisign-secret-key.ts';
import { CATEGORIES } from '../../src/policy/category.ts';
import { scaled } from '../support/chaos-scale.ts';
import { ask, closeClients } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { inventedName } from '../support/invented-name.ts';
import { asMaintainer, createToken, maintainerOf } from '../support/maintainer.ts';
import { newFolder, startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
const SAMPLE = 500;
const CHUNK_CHARACTERS = 65_536;
const FOLLOW_MS = 900_000;
/** Of a machine that may be busy: a quarter of an hour for a million where five others work on it. */
const TEST_MS = 3_600_000;
const WITHDRAWN = 10;

const NAMES_FILE = process.env['WEIR_TEST_NAMES'];
const names = readNames(NAMES_FILE);

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  closeClients();
  await stopAllWeirs();
  await upstream.stop();
});

function readNames(file: string | undefined): readonly string[] {
  if (file === undefined)
    return Array.from({ length: scaled({ short: 100_000, long: 1_000_000 }) }, (_, at) => inventedName(at));
  const bytes = readFileSync(file);
  const text = (file.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('latin1');
  return text.split('\n').filter((line) => line !== '');
}

interface Answer {
  readonly version: number;
  readonly accepted: number;
  readonly removed: number;
  readonly held: readonly { readonly name: string; readonly code: string; readonly holdId: string }[];
  readonly heldTotal: number;
  readonly rejectedTotal: number;
}

/** As a maintainer's program has them. */
function* additions(): Generator<object> {
  for (const [at, name] of names.entries()) {
    yield {
      add: {
        name,
        category: CATEGORIES[at % CATEGORIES.length],
        reference: `case 2026-${at % 5_000}`,
        ...(at % 10 === 0 && { expiresAt: '2099-01-01T00:00:00Z' }),
      },
    };
  }
}

function* removals(): Generator<object> {
  for (const name of names) yield { remove: name };
}

function* bodyOf(reason: string, changes: Iterable<object>): Generator<string> {
  let lines = `${JSON.stringify({ reason })}\n`;
  for (const change of changes) {
    lines += `${JSON.stringify(change)}\n`;
    if (lines.length < CHUNK_CHARACTERS) continue;
    yield lines;
    lines = '';
  }
  yield lines;
}

async function pushInBulk(weir: WeirProcess, token: string, changes: Iterable<object>): Promise<Answer> {
  const response = await fetch(`${weir.adminUrl}/v1/lists/desk/changes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(Readable.from(bodyOf('a whole list', changes))) as ReadableStream,
    duplex: 'half',
  });
  const body: unknown = await response.json();
  if (response.status !== 200) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
  return body as Answer;
}

/** Evenly over the list. */
const sample = Array.from({ length: SAMPLE }, (_, at) => names[Math.floor((at * names.length) / SAMPLE)]!);

async function notBlocked(weir: WeirProcess, asked: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of asked) {
    if ((await ask({ port: weir.port }, name)).answers.at(-1)?.data !== SINKHOLE) found.push(name);
  }
  return found;
}

const entriesOf = (weir: WeirProcess): Promise<number> => weir.metric('weir_list_entries', 'list="desk"');

async function untilEntries(weir: WeirProcess, count: number): Promise<void> {
  await until(
    () => entriesOf(weir),
    (entries) => entries === count,
    `${count} entries on the node that follows`,
    FOLLOW_MS,
  );
}

/** Takes pushes, two persons to release a hold, and publishes. Its folder has the key. */
function startHub(folder: string, admin = '127.0.0.1:0'): Promise<WeirProcess> {
  return startWeirProcess({
    folder,
    config: {
      listen: { do53: ['127.0.0.1:0'], admin, warningPageHttp: '' },
      upstreams: [upstream.url],
      lists: [{ name: 'desk', source: 'push', twoPersons: true }],
      feeds: { publish: ['desk'], secretKey: 'feed.key' },
    },
  });
}

function startFollower(folder: string, hub: string, token: string, publicKey: string): Promise<WeirProcess> {
  const source = `feed+${hub}/v1/feeds/desk/`;
  return startWeirProcess({
    folder,
    files: { 'hub.token': token },
    config: {
      listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' },
      upstreams: [upstream.url],
      lists: [{ name: 'desk', source, feedKeys: [publicKey], tokenFile: 'hub.token' }],
    },
  });
}

async function kill(weir: WeirProcess): Promise<void> {
  weir.program.signal('SIGKILL');
  await weir.program.ended();
}

function said(what: string, sinceMs: number): void {
  process.stdout.write(`${names.length} entries: ${what} in ${((performance.now() - sinceMs) / 1000).toFixed(1)} s\n`);
}

test(
  `${names.length} entries in one change are in force here and on who follows, over kill -9, until they are taken back`,
  async () => {
    const key = await generateKey(undefined);
    const hubFolder = newFolder();
    writeFileSync(join(hubFolder, 'feed.key'), key.secretKeyFile, { mode: 0o600 });
    const state = join(hubFolder, 'state');
    const token = createToken(state, 'Fraud desk', ['desk']);
    const otherToken = createToken(state, 'Regulator', ['desk'], ['approve']);
    let hub = await startHub(hubFolder);
    const { adminUrl } = hub;
    const nodeFolder = newFolder();
    const follow = (): Promise<WeirProcess> => startFollower(nodeFolder, adminUrl, token, key.publicKey.text);
    let node = await follow();
    const desk = asMaintainer(adminUrl, token);
    const regulator = asMaintainer(adminUrl, otherToken);

    let sinceMs = performance.now();
    const pushed = await pushInBulk(hub, token, additions());
    said('answered', sinceMs);
    const { accepted, heldTotal, rejectedTotal } = pushed;
    process.stdout.write(`${accepted} accepted, ${heldTotal} held, ${rejectedTotal} rejected\n`);
    expect(accepted + heldTotal + rejectedTotal).toBe(names.length);
    if (NAMES_FILE === undefined) expect(accepted).toBe(names.length);
    expect(await entriesOf(hub)).toBe(accepted);
    const open = new Set(await notBlocked(hub, sample));
    const blocked = sample.filter((name) => !open.has(name));
    expect(open.size).toBeLessThanOrEqual(heldTotal + rejectedTotal);

    sinceMs = performance.now();
    await untilEntries(node, accepted);
    said('followed', sinceMs);
    expect(await notBlocked(node, blocked)).toEqual([]);

    await Promise.all([kill(hub), kill(node)]);
    sinceMs = performance.now();
    hub = await startHub(hubFolder, new URL(adminUrl).host);
    node = await follow();
    said('both started again', sinceMs);
    for (const weir of [hub, node]) {
      expect(await notBlocked(weir, blocked)).toEqual([]);
      expect(await entriesOf(weir)).toBe(accepted);
    }

    const back = blocked.slice(0, WITHDRAWN);
    await desk.push('desk', [], back);
    expect(await notBlocked(hub, back)).toEqual(back);
    await until(
      () => notBlocked(node, back),
      (now) => now.length === back.length,
      'taken back',
      FOLLOW_MS,
    );

    sinceMs = performance.now();
    const removal = await pushInBulk(hub, token, removals());
    said('asked to be removed, and held', sinceMs);
    expect(removal).toMatchObject({ removed: 0, heldTotal: accepted - WITHDRAWN });
    expect(new Set(removal.held.map(({ code, holdId }) => `${code} ${holdId}`)).size).toBe(1);
    expect(removal.held[0]?.code).toBe('shrink');
    expect(await entriesOf(hub)).toBe(accepted - WITHDRAWN);
    const release = `/v1/holds/${removal.held[0]!.holdId}/release`;
    expect(await desk.post(release, { reason: 'mine' })).toMatchObject({ status: 403, body: { code: 'samePerson' } });
    sinceMs = performance.now();
    expect(await regulator.post(release, { reason: 'looked at' })).toMatchObject({ status: 200, body: { version: 3 } });
    said('removed by the release', sinceMs);
    expect(await entriesOf(hub)).toBe(0);
    expect(await notBlocked(hub, blocked)).toEqual(blocked);
    // The node that follows has a limit and people of its own.
    await until(
      () => node.metric('weir_list_guard_holds', 'list="desk"', 'guard="shrink"'),
      (holds) => holds === 1,
      'held on the node that follows',
      FOLLOW_MS,
    );
    expect(await notBlocked(node, back)).toEqual(back);
    expect(await notBlocked(node, blocked.slice(WITHDRAWN))).toEqual([]);
    const operator = maintainerOf(node);
    const { body } = await operator.get('/v1/holds?list=desk&state=open');
    const [hold] = (body as unknown as { holds: { id: string }[] }).holds;
    expect((await operator.post(`/v1/holds/${hold?.id}/release`, { reason: 'asked the hub' })).status).toBe(200);
    expect(await entriesOf(node)).toBe(0);
    expect(await notBlocked(node, blocked)).toEqual(blocked);

    sinceMs = performance.now();
    const rolledBack = await desk.post('/v1/lists/desk/rollback', { toVersion: 1, reason: 'the wrong list' });
    said('brought back by a rollback', sinceMs);
    expect(rolledBack).toMatchObject({ status: 200, body: { accepted } });
    expect(await notBlocked(hub, blocked)).toEqual([]);
    await untilEntries(node, accepted);
    expect(await notBlocked(node, blocked)).toEqual([]);
  },
  TEST_MS,
);
