/** Policy is asked before the cache: a list that changes is in force at once, whatever is cached or under way. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, closeClients, query, UdpClient } from '../support/dns-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { answerWithRecords, aRecord, cnameRecord } from '../support/scripted-answers.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
let weir: WeirProcess;
let upstream: FakeUpstream;
let generation = 0;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  weir = await startWeirProcess({
    files: { 'list.txt': 'other.example\n', 'allow.txt': '# none\n' },
    config: {
      workers: 2,
      upstreams: [upstream.url],
      upstreamQueries: { deadlineMs: 20_000, attemptTimeoutMs: 10_000 },
      allow: ['allow.txt'],
      lists: [{ name: 'list', source: 'list.txt' }],
    },
  });
});

afterEach(() => {
  closeClients();
  upstream.answerWith((asked) => respond(asked));
});

afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

/** Puts a list in force on every thread. */
async function publish(file: string, ...names: string[]): Promise<void> {
  generation = await weir.metric('weir_policy_generation');
  weir.write(file, `${names.join('\n')}\n`);
  await weir.untilMetric((value) => value > generation, 'weir_policy_generation');
}

async function addressOf(name: string): Promise<string | undefined> {
  return (await ask({ port: weir.port }, name)).answers.at(-1)?.data;
}

/** Fills the caches of both threads: which socket a client's port leads to is the kernel's choice. */
async function cacheEverywhere(name: string): Promise<void> {
  for (let i = 0; i < 12; i++) expect(await addressOf(name)).toBe('192.0.2.1');
}

describe('a cached name', () => {
  test('that is listed is blocked, and answered from the cache when it is withdrawn', async () => {
    await cacheEverywhere('flips.example');
    const asked = upstream.queries.length;
    await publish('list.txt', 'flips.example');
    for (let i = 0; i < 12; i++) expect(await addressOf('flips.example')).toBe(SINKHOLE);
    await publish('list.txt', 'other.example');
    for (let i = 0; i < 12; i++) expect(await addressOf('flips.example')).toBe('192.0.2.1');
    expect(upstream.queries.slice(asked).filter(({ name }) => name === 'flips.example').length).toBeLessThan(2);
  });

  test('whose chain reaches a newly listed name is blocked, and answered when an allow entry comes', async () => {
    upstream.answerWith((asked) =>
      answerWithRecords(asked, {
        answers: [cnameRecord('chain.example', 'end.example'), aRecord('end.example', '192.0.2.1')],
      }),
    );
    await cacheEverywhere('chain.example');
    await publish('list.txt', 'end.example');
    expect(await addressOf('chain.example')).toBe(SINKHOLE);
    await publish('allow.txt', 'chain.example');
    expect(await addressOf('chain.example')).toBe('192.0.2.1');
    await publish('allow.txt', '# none');
    expect(await addressOf('chain.example')).toBe(SINKHOLE);
    await publish('list.txt', 'other.example');
    expect(await addressOf('chain.example')).toBe('192.0.2.1');
  });
});

describe('an answer under way', () => {
  let held: FakeQuery[] = [];
  const hold = (): void => {
    held = [];
    upstream.answerWith((asked) => void held.push(asked));
  };

  test('is judged again: the name, listed meanwhile, is blocked for everyone who waits', async () => {
    hold();
    const client = await UdpClient.open(weir.port);
    const waiting = Array.from({ length: 5 }, () => query('waits.example'));
    for (const message of waiting) client.send(message);
    await until(
      () => held.length,
      (count) => count > 0,
      'the upstream is asked',
    );
    await publish('list.txt', 'waits.example');
    for (const asked of held) asked.reply(respond(asked));
    for (const message of waiting) {
      const response = await client.responseTo(message);
      expect(Buffer.from(response).includes(Buffer.from([192, 0, 2, 53]))).toBe(true);
      expect(Buffer.from(response).includes(Buffer.from([192, 0, 2, 1]))).toBe(false);
    }
  });

  test('is judged again: withdrawn meanwhile, its chain no longer blocks', async () => {
    await publish('list.txt', 'end.example');
    hold();
    const client = await UdpClient.open(weir.port);
    const message = query('late-chain.example');
    client.send(message);
    await until(
      () => held.length,
      (count) => count > 0,
      'the upstream is asked',
    );
    await publish('list.txt', 'other.example');
    for (const asked of held) {
      asked.reply(
        answerWithRecords(asked, {
          answers: [cnameRecord('late-chain.example', 'end.example'), aRecord('end.example', '192.0.2.1')],
        }),
      );
    }
    expect(Buffer.from(await client.responseTo(message)).includes(Buffer.from([192, 0, 2, 1]))).toBe(true);
  });
});

describe('what is fetched or kept beyond its time', () => {
  test('a stale answer is judged: listed meanwhile, the name is blocked', async () => {
    upstream.answerWith((asked) => respond(asked, { ttlSeconds: 1 }));
    await cacheEverywhere('stale.example');
    upstream.answerWith((asked) => respond(asked, { rcode: 2 }));
    const stale = await until(
      () => ask({ port: weir.port }, 'stale.example'),
      ({ edns }) => edns?.extendedErrors[0]?.infoCode === 3,
      'a stale answer',
    );
    expect(stale.answers[0]?.data).toBe('192.0.2.1');
    await publish('list.txt', 'stale.example');
    for (let i = 0; i < 12; i++) expect(await addressOf('stale.example')).toBe(SINKHOLE);
  });

  test('a prefetched answer that now leads to a listed name is blocked', async () => {
    await publish('list.txt', 'trap.example');
    upstream.answerWith((asked) => respond(asked, { ttlSeconds: 2 }));
    // One socket, so that one thread sees it all: hits enough, and one in the last tenth of the two seconds.
    const client = await UdpClient.open(weir.port);
    const isBlocked = async (): Promise<boolean> => {
      const response = await client.exchange(query('popular.example'));
      return Buffer.from(response).includes(Buffer.from([192, 0, 2, 53]));
    };
    expect(await isBlocked()).toBe(false);
    upstream.answerWith((asked) =>
      answerWithRecords(asked, { answers: [cnameRecord('popular.example', 'trap.example'), aRecord('trap.example')] }),
    );
    await until(isBlocked, (blocked) => blocked, 'the new answer is judged');
    expect(await weir.metric('weir_cache_prefetches_total')).toBeGreaterThan(0);
  });
});
