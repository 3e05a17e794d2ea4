/**
 * One Weir that takes pushes and serves its list as a signed feed, three that follow it: a push on the hub blocks on all
 * four; without the hub the three go on, over a restart too, and catch up when it is back. Real processes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateKey } from '../../src/control-plane/feed/minisign-secret-key.ts';
import { ask } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { asMaintainer, createToken, type Maintainer } from '../support/maintainer.ts';
import { newFolder, startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
const FOLLOWERS = 3;
/** Nine starts of a process, on a machine that may be busy. */
const TEST_MS = 240_000;

let upstream: FakeUpstream;
let hub: WeirProcess;
let desk: Maintainer;
let token: string;
let publicKey: string;
let followers: WeirProcess[];

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const key = await generateKey(undefined);
  publicKey = key.publicKey.text;
  const folder = newFolder();
  writeFileSync(join(folder, 'feed.key'), key.secretKeyFile, { mode: 0o600 });
  token = createToken(join(folder, 'state'), 'Fraud desk', ['*'], ['push', 'approve', 'read']);
  hub = await startWeirProcess({ folder, config: hubConfig() });
  desk = asMaintainer(hub.adminUrl, token);
  followers = await Promise.all(Array.from({ length: FOLLOWERS }, () => follow(newFolder())));
}, TEST_MS);
afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

function hubConfig(admin = '127.0.0.1:0') {
  return {
    listen: { do53: ['127.0.0.1:0'], admin, warningPageHttp: '' },
    upstreams: [upstream.url],
    lists: [{ name: 'desk', source: 'push' }],
    feeds: { publish: ['desk'], secretKey: 'feed.key' },
  };
}

/** The hub's list, as a node follows it that believes these keys. */
function followed(feedKeys: readonly string[]) {
  const source = `feed+${hub.adminUrl}/v1/feeds/desk/`;
  return [{ name: 'desk', source, feedKeys, tokenFile: 'hub.token', refreshSeconds: 10 }];
}

function follow(folder: string): Promise<WeirProcess> {
  return startWeirProcess({
    folder,
    files: { 'hub.token': `${token}\n` },
    config: {
      listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' },
      upstreams: [upstream.url],
      lists: followed([publicKey]),
    },
  });
}

async function addressOf(weir: WeirProcess, name: string): Promise<string | undefined> {
  return (await ask({ port: weir.port }, name)).answers.at(-1)?.data;
}

/** Asks until all of them answer so. */
async function all(weirs: readonly WeirProcess[], name: string, isBlocked: boolean): Promise<void> {
  await until(
    () => Promise.all(weirs.map((weir) => addressOf(weir, name))),
    (addresses) => addresses.every((address) => (address === SINKHOLE) === isBlocked),
    `${name} ${isBlocked ? 'blocked' : 'answered'} on ${weirs.length}`,
    60_000,
  );
}

test('a push on the hub blocks on all, and a withdrawal is answered by all', { timeout: TEST_MS }, async () => {
  await desk.push('desk', ['bad.example', 'other.example']);
  expect(await addressOf(hub, 'www.bad.example')).toBe(SINKHOLE);
  await all(followers, 'www.bad.example', true);
  await desk.push('desk', [], ['bad.example']);
  await all([hub, ...followers], 'www.bad.example', false);
  await all([hub, ...followers], 'other.example', true);
});

test('a follower takes no changes of its own', { timeout: TEST_MS }, async () => {
  const own = createToken(join(followers[0]!.folder, 'state'), 'Somebody', ['*'], ['push', 'read']);
  const reply = await asMaintainer(followers[0]!.adminUrl, own).post('/v1/lists/desk/changes', {
    add: [{ name: 'x.example' }],
    remove: [],
    reason: 'a test',
  });
  expect(reply).toMatchObject({ status: 409, body: { code: 'notAPushList' } });
});

test(
  'the hub dies: the others go on, restart without it, and catch up when it is back',
  { timeout: TEST_MS },
  async () => {
    const { host } = new URL(hub.adminUrl);
    hub.program.signal('SIGKILL');
    await hub.program.ended();
    await all(followers, 'other.example', true);
    const [first, ...others] = followers as [WeirProcess, ...WeirProcess[]];
    first.program.signal('SIGKILL');
    await first.program.ended();
    followers = [await follow(first.folder), ...others];
    await all(followers, 'other.example', true);
    expect(await followers[0]!.metric('weir_list_entries', 'list="desk"')).toBe(1);

    hub = await startWeirProcess({ folder: hub.folder, config: hubConfig(host) });
    desk = asMaintainer(hub.adminUrl, token);
    await desk.push('desk', ['late.example'], ['other.example']);
    await all([hub, ...followers], 'late.example', true);
    await all([hub, ...followers], 'other.example', false);
  },
);

test(
  'the hub comes back with another key: who believes both goes on, who was not told keeps what it has',
  { timeout: TEST_MS },
  async () => {
    const next = await generateKey(undefined);
    const told = followers.slice(1);
    const notTold = followers[0]!;
    for (const weir of told) {
      weir.writeConfig({ lists: followed([publicKey, next.publicKey.text]) });
      weir.program.signal('SIGHUP');
    }
    await Promise.all(
      told.map((weir) => weir.untilMetric((value) => value === 1, 'weir_config_reloads_total', 'result="ok"')),
    );
    const { host } = new URL(hub.adminUrl);
    await hub.stop();
    writeFileSync(join(hub.folder, 'feed.key'), next.secretKeyFile, { mode: 0o600 });
    hub = await startWeirProcess({ folder: hub.folder, config: hubConfig(host) });
    desk = asMaintainer(hub.adminUrl, token);
    await desk.push('desk', ['rotated.example']);
    await all([hub, ...told], 'rotated.example', true);
    await notTold.untilMetric((value) => value > 0, 'weir_list_sync_failures_total', 'reason="feedKey"');
    expect(await addressOf(notTold, 'rotated.example')).not.toBe(SINKHOLE);
    await all([notTold], 'late.example', true);
    await desk.push('desk', [], ['rotated.example']);
    await all([hub, ...told], 'rotated.example', false);
  },
);
