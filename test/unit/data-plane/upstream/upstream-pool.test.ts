import { afterEach, describe, expect, test } from 'vitest';
import { HeaderFlag, Rcode } from '../../../../src/dns/iana.ts';
import { readUint16 } from '../../../../src/dns/patch.ts';
import { Counter } from '../../../../src/telemetry/counters.ts';
import { changeUpstreams } from '../../../support/changed-upstreams.ts';
import { respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import {
  ask,
  closeAll,
  openPool,
  outcomes,
  question,
  receiving,
  rcodeOf,
  track,
} from '../../../support/upstream-harness.ts';

afterEach(closeAll);

test('a question is sent on and its answer comes back', async () => {
  const upstream = track(await startFakeUpstream());
  const pool = openPool([upstream]);
  const outcome = await ask(pool, 'www.example.com');
  expect(outcome.kind).toBe('answer');
  expect(rcodeOf(outcome)).toBe(Rcode.NOERROR);
  expect(upstream.queries).toHaveLength(1);
  expect(upstream.queries[0]).toMatchObject({ name: 'www.example.com', qtype: 1, transport: 'udp' });
  expect(outcomes(pool, 0)).toEqual({ answered: 1 });
});

test('queries ask for recursion, carry DO and CD as the client asked, and offer our payload size', async () => {
  const upstream = track(await startFakeUpstream());
  const pool = openPool([upstream]);
  await ask(pool, 'www.example.com', { dnssecOk: true, checkingDisabled: true });
  await ask(pool, 'www.example.com');
  const [first, second] = upstream.queries.map((query) => query.message);
  expect(readUint16(first!, 2)).toBe(HeaderFlag.RD | HeaderFlag.AD | HeaderFlag.CD);
  expect(readUint16(second!, 2)).toBe(HeaderFlag.RD | HeaderFlag.AD);
  expect(Array.from(first!.slice(-11))).toEqual([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
  expect(Array.from(second!.slice(-11))).toEqual([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
});

test('an upstream that says nothing is asked again, and the deadline ends it', async () => {
  const upstream = track(await startFakeUpstream(() => undefined));
  const pool = openPool([upstream], { attemptTimeoutMs: 20, deadlineMs: 100, attemptsMax: 3 });
  expect(await ask(pool, 'www.example.com')).toEqual({ kind: 'failed', reason: 'timeout' });
  expect(upstream.queries).toHaveLength(3);
  expect(outcomes(pool, 0)).toEqual({ timeout: 3 });
});

test('a silent upstream is left for another one', async () => {
  const silent = track(await startFakeUpstream(() => undefined));
  const good = track(await startFakeUpstream());
  const pool = openPool([silent, good], { attemptTimeoutMs: 20 });
  for (let count = 0; count < 10; count++) {
    expect((await ask(pool, `n${count}.example.com`)).kind).toBe('answer');
  }
  expect(good.queries).toHaveLength(10);
});

test('a retransmitted query is answered by a late response to the first one', async () => {
  const upstream = track(
    await startFakeUpstream((query) => {
      const [first] = upstream.queries;
      if (query.index === 1) first!.reply(respond(first!));
      return undefined;
    }),
  );
  const pool = openPool([upstream], { attemptTimeoutMs: 20 });
  expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
  expect(upstream.queries).toHaveLength(2);
});

describe('limits', () => {
  test('beyond the greatest number outstanding a query fails at once, and below it again the next one does not', async () => {
    const upstream = track(await startFakeUpstream(() => undefined));
    const pool = openPool([upstream], { outstandingMax: 2 });
    const first = [ask(pool, 'a.example.com'), ask(pool, 'b.example.com')];
    expect(pool.cells[Counter.upstreamOutstanding]).toBe(2);
    expect(await ask(pool, 'c.example.com')).toEqual({ kind: 'failed', reason: 'overload' });
    await upstream.received(2);
    for (const query of upstream.queries) query.reply(respond(query));
    for (const outcome of await Promise.all(first)) expect(outcome.kind).toBe('answer');
    upstream.answerWith((query) => respond(query));
    expect((await ask(pool, 'd.example.com')).kind).toBe('answer');
    expect(pool.cells[Counter.upstreamOutstanding]).toBe(0);
  });

  test('the outcome never comes while the question is still being asked', async () => {
    const pool = openPool([]);
    let isAsking = true;
    const wasSync = new Promise<boolean>((resolve) => {
      const receiver = receiving(() => resolve(isAsking));
      pool.exchange(question('www.example.com'), receiver, performance.now());
    });
    isAsking = false;
    expect(await wasSync).toBe(false);
  });

  test('without upstreams a question fails', async () => {
    expect(await ask(openPool([]), 'www.example.com')).toEqual({ kind: 'failed', reason: 'network' });
  });

  test('a hundred questions at once, before any socket is open, are all answered', async () => {
    const upstream = track(await startFakeUpstream());
    const pool = openPool([upstream]);
    const asks = Array.from({ length: 100 }, (_, index) => ask(pool, `n${index}.example.com`));
    for (const outcome of await Promise.all(asks)) expect(outcome.kind).toBe('answer');
    expect(new Set(upstream.queries.map(({ name }) => name)).size).toBe(100);
  });
});

describe('life cycle', () => {
  test('closing fails what is outstanding and what comes after', async () => {
    const upstream = track(await startFakeUpstream(() => undefined));
    const pool = openPool([upstream]);
    const waiting = ask(pool, 'www.example.com');
    await upstream.received(1);
    pool.close();
    expect(await waiting).toEqual({ kind: 'failed', reason: 'closed' });
    expect(await ask(pool, 'www.example.com')).toEqual({ kind: 'failed', reason: 'closed' });
  });

  test('a receiver that throws is logged and hurts nobody else', async () => {
    const upstream = track(await startFakeUpstream());
    const pool = openPool([upstream]);
    const throwing = receiving(() => {
      throw new Error('from the receiver');
    });
    pool.exchange(question('bad.example.com'), throwing, performance.now());
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
    await expect.poll(() => pool.logged.map(({ level }) => level)).toEqual(['error']);
  });

  test('after a change of upstreams new questions go to the new one, and the old one may still answer', async () => {
    const next = track(await startFakeUpstream());
    const { asked, pool, outcome } = await changeUpstreams([next]);
    expect((await ask(pool, 'new.example.com')).kind).toBe('answer');
    expect(next.queries.map(({ name }) => name)).toEqual(['new.example.com']);
    asked.reply(respond(asked));
    expect((await outcome).kind).toBe('answer');
  });

  test('a query whose upstream was taken away and says nothing is sent to the new one', async () => {
    const { outcome } = await changeUpstreams([track(await startFakeUpstream())], { attemptTimeoutMs: 200 });
    expect((await outcome).kind).toBe('answer');
  });

  test('what an upstream that was taken away cuts short is asked of the new one: nobody would close a connection to it', async () => {
    const next = track(await startFakeUpstream());
    const { old, asked, outcome } = await changeUpstreams([next]);
    asked.reply(respond(asked, { truncated: true }));
    expect((await outcome).kind).toBe('answer');
    expect(next.queries.map(({ name }) => name)).toEqual(['old.example.com']);
    expect(old.queries.map(({ transport }) => transport)).toEqual(['udp']);
  });

  test('what an upstream that was taken away fails at is asked of the new one in its place', async () => {
    const next = track(await startFakeUpstream());
    const { asked, outcome } = await changeUpstreams([next]);
    asked.reply(respond(asked, { rcode: Rcode.SERVFAIL }));
    expect(rcodeOf(await outcome)).toBe(Rcode.NOERROR);
    expect(next.queries.map(({ name }) => name)).toEqual(['old.example.com']);
  });

  test('with no upstream left, what is outstanding fails', async () => {
    const { outcome } = await changeUpstreams([], { attemptTimeoutMs: 50 });
    expect((await outcome).kind).toBe('failed');
  });
});
