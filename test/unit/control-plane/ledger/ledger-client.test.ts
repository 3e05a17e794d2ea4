/** The client of the ledger's thread: every request gets an end, whatever becomes of the thread. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LedgerClient, REQUESTS_MAX } from '../../../../src/control-plane/ledger/ledger-client.ts';
import { LedgerUnavailable } from '../../../../src/control-plane/ledger/ledger-failure.ts';
import type { ChangeRequest } from '../../../../src/control-plane/ledger/ledger.ts';
import { ledgerPath } from '../../../../src/control-plane/ledger/open-database.ts';
import type * as Heartbeat from '../../../../src/telemetry/heartbeat.ts';
import { isDone, ledgerSettings, listSettings, PUSHER } from '../../../support/ledger-harness.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** Of the scripted threads, newest last: the test beats for them. */
const beats = vi.hoisted((): SharedArrayBuffer[] => []);
vi.mock('../../../../src/telemetry/heartbeat.ts', async (original) => ({
  ...(await original<typeof Heartbeat>()),
  createHeartbeat: () => {
    const heartbeat = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    beats.push(heartbeat);
    return heartbeat;
  },
}));

const SCRIPTED = new URL('../../../fixtures/threads/scripted-ledger-thread.ts', import.meta.url);
const LOOK_MS = 1_000;
const UNAVAILABLE = { kind: 'refused', code: 'storeUnavailable' };

interface Watched {
  readonly client: LedgerClient;
  readonly states: [boolean, string][];
  readonly deaths: string[];
  /** Changes that were made after their senders had been told that nobody knows. */
  readonly late: () => number;
  /** Resolves with the next one. */
  readonly death: () => Promise<string>;
}

const open: LedgerClient[] = [];
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
  vi.useRealTimers();
});

function start(stateDirectory: string, thread: 'scripted' | 'real' = 'scripted', heapMbMax = 256): Watched {
  const states: [boolean, string][] = [];
  const deaths: string[] = [];
  let late = 0;
  let next = Promise.withResolvers<string>();
  const client = new LedgerClient({
    stateDirectory,
    onState: (isUp, message) => states.push([isUp, message]),
    onLate: () => (late += 1),
    onDeath: (message) => {
      deaths.push(message);
      next.resolve(message);
      next = Promise.withResolvers<string>();
    },
    heapMbMax,
    ...(thread === 'real' ? {} : { threadUrl: SCRIPTED }),
  });
  open.push(client);
  return { client, states, deaths, late: () => late, death: () => next.promise };
}

function change(list: string): ChangeRequest {
  return { list, actor: PUSHER, reason: 'a test', idempotencyKey: undefined, add: [{ name: 'a.example' }], remove: [] };
}

function beat(): void {
  Atomics.add(new Int32Array(beats.at(-1)!), 0, 1);
}

function look(times: number): void {
  vi.advanceTimersByTime(times * LOOK_MS);
}

/** Which thread answers, and what it was told. */
async function askThread(client: LedgerClient): Promise<{ threadId: number; settings: unknown }> {
  return (await client.versions('who', 1)) as unknown as { threadId: number; settings: unknown };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise, Promise.resolve('pending')])) === 'pending';
}

describe('a thread that dies', () => {
  test.each(['exit', 'throw', 'heap'])(
    'by %s ends what waits, refuses meanwhile, and is started again',
    async (deed) => {
      const { client, states, death } = start('any', 'scripted', 32);
      const before = await askThread(client);
      const read = client.versions('silent', 1);
      const written = client.change(change('silent'));
      const died = death();
      await expect(client.entries(deed, '', 1)).rejects.toThrow(LedgerUnavailable);
      expect(await died).toContain("the ledger's thread ended");
      await expect(read).rejects.toThrow(LedgerUnavailable);
      expect(await written).toMatchObject(UNAVAILABLE);
      expect(await client.change(change('who'))).toMatchObject(UNAVAILABLE);
      await expect(client.versions('who', 1)).rejects.toThrow(LedgerUnavailable);
      expect(states.map(([isUp]) => isUp)).toEqual([true, false]);
      await vi.waitFor(async () => expect((await askThread(client)).threadId).not.toBe(before.threadId), 20_000);
      expect(states.map(([isUp]) => isUp)).toEqual([true, false, true]);
    },
  );

  test('is told first what the configuration says, also what it was told while there was none', async () => {
    const { client, death } = start('any');
    await client.configure(ledgerSettings([listSettings({ name: 'one' })]));
    expect((await askThread(client)).settings).toMatchObject({ lists: [{ name: 'one' }] });
    const died = death();
    client.versions('exit', 1).catch(() => undefined);
    await died;
    await client.configure(ledgerSettings([listSettings({ name: 'two' })]));
    const answer = await vi.waitFor(() => askThread(client), 20_000);
    expect(answer.settings).toMatchObject({ lists: [{ name: 'two' }] });
  });

  test('at its start is started again later and later', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    const { client, states, death } = start('dying');
    for (const delayMs of [50, 100, 200]) {
      await death();
      vi.advanceTimersByTime(delayMs - 1);
      expect(vi.getTimerCount()).toBe(2);
      vi.advanceTimersByTime(1);
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(await death()).toContain('it cannot be opened now');
    expect(await client.change(change('who'))).toMatchObject(UNAVAILABLE);
    expect(states.every(([isUp]) => !isUp)).toBe(true);
  });

  test('again and again once it is ready is started again later and later, until one has lived long', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'] });
    const { client, death } = start('any');
    for (const [livedMs, delayMs] of [
      [0, 50],
      [59_000, 100],
      [0, 200],
      [61_000, 50],
      [0, 100],
    ] as const) {
      await askThread(client);
      vi.advanceTimersByTime(livedMs);
      beat();
      const died = death();
      client.versions('exit', 1).catch(() => undefined);
      await died;
      vi.advanceTimersByTime(delayMs - 1);
      expect(vi.getTimerCount()).toBe(2);
      vi.advanceTimersByTime(1);
      expect(vi.getTimerCount()).toBe(1);
    }
  });
});

describe('a thread that does not answer', () => {
  test('and stands still is waited for, but nobody waits with it; a commit may take longer', async () => {
    const { client, states } = start('any');
    await askThread(client);
    const read = client.versions('silent', 1);
    const written = client.change(change('silent'));
    const commit = client.commit('silent' as unknown as number);
    beat();
    look(10);
    expect(await isPending(written)).toBe(true);
    look(1);
    expect(await written).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining('may still be done') });
    await expect(read).rejects.toThrow('may still be done');
    expect(await isPending(commit)).toBe(true);
    expect(states.at(-1)).toEqual([false, 'its thread stands still; does the disk hang?']);
    expect(await client.change(change('who'))).toMatchObject(UNAVAILABLE);
    look(110);
    expect(await commit).toMatchObject(UNAVAILABLE);
    beat();
    look(1);
    expect(states.at(-1)).toEqual([true, '']);
    expect(await askThread(client)).toMatchObject({ threadId: expect.any(Number) });
  });

  test('though it lives is waited for so long, and an answer that comes later is nobody’s, but is told of', async () => {
    const { client, states, deaths, late } = start('any');
    await askThread(client);
    const written = client.change(change('late'));
    for (let looks = 0; looks < 59; looks++) {
      beat();
      look(1);
    }
    expect(await isPending(written)).toBe(true);
    beat();
    look(1);
    expect(await written).toMatchObject(UNAVAILABLE);
    expect(late()).toBe(0);
    await askThread(client);
    expect(await written).toMatchObject(UNAVAILABLE);
    await vi.waitFor(() => expect(late()).toBe(1), 20_000);
    expect([states.length, deaths]).toEqual([1, []]);
  });

  test('any more at all is ended, and another one started', async () => {
    const { client, death } = start('any');
    const before = await askThread(client);
    client.versions('block', 1).catch(() => undefined);
    beat();
    look(1);
    const died = death();
    look(300);
    await died;
    await vi.waitFor(async () => expect((await askThread(client)).threadId).not.toBe(before.threadId), 20_000);
  });

  test('has so many requests waiting and no more', async () => {
    const { client } = start('any');
    await askThread(client);
    const waiting = Array.from({ length: REQUESTS_MAX }, () => client.change(change('silent')));
    expect(await client.change(change('who'))).toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining(`${REQUESTS_MAX} requests wait`),
    });
    await expect(client.versions('who', 1)).rejects.toThrow(LedgerUnavailable);
    await client.close();
    expect(new Set((await Promise.all(waiting)).map(({ kind }) => kind))).toEqual(new Set(['refused']));
  });
});

describe('an answer', () => {
  test('that the store cannot be reached is a refusal where there are any, and a bug is none', async () => {
    const { client } = start('any');
    expect(await client.change(change('locked'))).toMatchObject(UNAVAILABLE);
    await expect(client.versions('locked', 1)).rejects.toThrow(LedgerUnavailable);
    await expect(client.change(change('bug'))).rejects.toThrow('the ledger failed: a bug');
    await expect(client.change(change('bug'))).rejects.not.toThrow(LedgerUnavailable);
  });
});

describe('closing', () => {
  test('ends what waits, refuses what comes later, and starts nothing again', async () => {
    const { client, states, deaths } = start('any');
    await askThread(client);
    const written = client.change(change('silent'));
    await client.close();
    expect(await written).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining('the ledger was closed') });
    expect(await client.change(change('who'))).toMatchObject(UNAVAILABLE);
    await client.close();
    expect([states.length, deaths]).toEqual([1, []]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('while the thread is gone starts none', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    const { client, death } = start('any');
    const died = death();
    client.versions('exit', 1).catch(() => undefined);
    await died;
    expect(vi.getTimerCount()).toBe(2);
    await client.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('over the real thread', () => {
  test('what was acknowledged is there after it was closed and opened again', async () => {
    const folder = temporaryFolder('ledger-client');
    const first = start(folder, 'real').client;
    await first.configure(ledgerSettings([listSettings()]));
    expect(isDone(await first.change(change('desk')))).toMatchObject({ version: 1, accepted: 1 });
    await first.close();
    const second = start(folder, 'real').client;
    expect(await second.entries('desk', '', 10)).toMatchObject([{ name: 'a.example' }]);
  });

  test('a damaged file is said, refuses everything, and stays as it is', async () => {
    const folder = temporaryFolder('ledger-client');
    writeFileSync(ledgerPath(folder), 'no database at all, but longer than the header of one would be. '.repeat(20));
    const { client, states, deaths } = start(folder, 'real');
    expect(await client.change(change('desk'))).toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('is damaged and is left as it is'),
    });
    await expect(client.authenticate('any')).rejects.toThrow(LedgerUnavailable);
    await client.close();
    expect([states.map(([isUp]) => isUp), deaths]).toEqual([[false], []]);
  });
});
