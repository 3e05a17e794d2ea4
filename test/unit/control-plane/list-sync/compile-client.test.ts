import { afterEach, describe, expect, test } from 'vitest';
import { CompileClient } from '../../../../src/control-plane/list-sync/compile-client.ts';

const threadUrl = new URL('../../../fixtures/threads/dying-compile-thread.ts', import.meta.url);
const deaths: string[] = [];
let client: CompileClient;

function open(heapMbMax?: number, lookMs?: number): CompileClient {
  client = new CompileClient({
    onWarning: () => undefined,
    onDeath: (message) => deaths.push(message),
    threadUrl,
    ...(heapMbMax !== undefined && { heapMbMax }),
    ...(lookMs !== undefined && { lookMs }),
  });
  return client;
}

afterEach(async () => {
  await client.close();
  deaths.length = 0;
});

const alive = { kind: 'done', result: { kind: 'refused', message: 'alive' } };

describe('the compile thread', () => {
  test.each([
    ['exit', /exit code 3/],
    ['throw', /a bug/],
    ['heap', /ERR_WORKER_OUT_OF_MEMORY/],
  ])('that ends (%s) is an outcome, is told once, and is started anew for the next job', async (how, message) => {
    open(how === 'heap' ? 32 : undefined);
    const failed = await client.run({ kind: 'allow', path: how });
    expect(failed).toMatchObject({ kind: 'failed' });
    expect(JSON.stringify(failed)).toMatch(message);
    expect(deaths).toHaveLength(1);
    expect(await client.run({ kind: 'allow', path: 'live' })).toMatchObject(alive);
  });

  test('that stands still in a job is replaced, and the job behind it is done', async () => {
    open(undefined, 100);
    const [stuck, next] = await Promise.all(['loop', 'live'].map((path) => client.run({ kind: 'allow', path })));
    expect(JSON.stringify(stuck)).toContain('job made no progress for 600 ms');
    expect(deaths).toHaveLength(1);
    expect(next).toMatchObject(alive);
  });

  test('that goes on and on in one job is left alone as long as it gets on', async () => {
    open(undefined, 200);
    expect(await client.run({ kind: 'allow', path: 'busy' })).toMatchObject(alive);
    expect(deaths).toEqual([]);
  });

  test('does one job after the other, also behind one that killed it', async () => {
    open();
    const outcomes = await Promise.all(['live', 'exit', 'live'].map((path) => client.run({ kind: 'allow', path })));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'failed', 'done']);
  });

  test('closed under a job ends it, starts no other and reports no death', async () => {
    open();
    await client.run({ kind: 'allow', path: 'live' });
    const closing = client.close();
    expect(await client.run({ kind: 'allow', path: 'live' })).toMatchObject({ kind: 'failed' });
    await closing;
    expect(deaths).toEqual([]);
  });
});
