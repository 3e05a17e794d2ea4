import { afterEach, describe, expect, test } from 'vitest';
import type { UpstreamOutcome } from '../../../../src/data-plane/upstream/upstream.ts';
import { Rcode } from '../../../../src/dns/iana.ts';
import { readResponse } from '../../../../src/dns/response-view.ts';
import { Counter, upstreamDownGauge } from '../../../../src/telemetry/counters.ts';
import { type FakeQuery, respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import {
  ask,
  closeAll,
  openPool,
  outcomes,
  question,
  receiving,
  rcodeOf,
  type TestPool,
  track,
} from '../../../support/upstream-harness.ts';

afterEach(closeAll);

const answering = async (rcode: number) => track(await startFakeUpstream((query) => respond(query, { rcode })));

/** Claims an answer record that is not there. */
function nonsense(query: FakeQuery): Uint8Array {
  const message = respond(query, { addresses: [] });
  message[7] = 1;
  return message;
}

/** Asks as a receiver that makes sense of whole messages only. */
function askUnderstanding(pool: TestPool): Promise<UpstreamOutcome> {
  const makesSense = (message: Uint8Array) => readResponse(message) !== undefined;
  return new Promise((resolve) => {
    pool.exchange(question('www.example.com'), receiving(resolve, makesSense), performance.now());
  });
}

/** Why at once: of questions one after the other, seven that fall to one upstream make it the faster, which gets the rest. */
const twenty = (askOne: () => Promise<UpstreamOutcome>) => Promise.all(Array.from({ length: 20 }, askOne));

/** Two upstreams whose first query, at either, is kept and not answered. */
async function oneKept() {
  const kept: FakeQuery[] = [];
  const script = (query: FakeQuery): Uint8Array | undefined => {
    if (kept.length > 0) return respond(query);
    kept.push(query);
    return undefined;
  };
  const upstreams = [track(await startFakeUpstream(script)), track(await startFakeUpstream(script))];
  return { upstreams, kept };
}

describe('errors that another upstream may not have', () => {
  test.each([
    ['SERVFAIL', Rcode.SERVFAIL, 'servfail'],
    ['REFUSED', Rcode.REFUSED, 'refused'],
  ])('%s: the next upstream is asked', async (_, rcode, outcome) => {
    const upstreams = [await answering(rcode), track(await startFakeUpstream())];
    const pool = openPool(upstreams);
    const answers = await twenty(() => ask(pool, 'www.example.com'));
    expect(answers.map(rcodeOf)).toEqual(answers.map(() => Rcode.NOERROR));
    expect(Object.keys(outcomes(pool, 0))).toEqual([outcome]);
    expect(outcomes(pool, 1)).toEqual({ answered: 20 });
  });

  test('the last of them is the answer where no upstream does better, and none is asked twice', async () => {
    const upstreams = [await answering(Rcode.SERVFAIL), await answering(Rcode.SERVFAIL)];
    const pool = openPool(upstreams);
    expect(rcodeOf(await ask(pool, 'www.example.com'))).toBe(Rcode.SERVFAIL);
    expect(upstreams.map((upstream) => upstream.queries.length)).toEqual([1, 1]);
  });

  test('with one upstream its SERVFAIL is passed on at once', async () => {
    const upstream = await answering(Rcode.SERVFAIL);
    const pool = openPool([upstream]);
    expect(rcodeOf(await ask(pool, 'www.example.com'))).toBe(Rcode.SERVFAIL);
    expect(upstream.queries).toHaveLength(1);
  });

  test('SERVFAIL is preferred to waiting for an upstream that is late', async () => {
    const silent = track(await startFakeUpstream(() => undefined));
    const pool = openPool([await answering(Rcode.SERVFAIL), silent], { attemptTimeoutMs: 50, attemptsMax: 2 });
    expect(rcodeOf(await ask(pool, 'www.example.com'))).toBe(Rcode.SERVFAIL);
  });

  test('an answer that makes no sense: the next upstream is asked, and the first is counted as malformed', async () => {
    const upstreams = [track(await startFakeUpstream(nonsense)), track(await startFakeUpstream())];
    const pool = openPool(upstreams);
    const answers = await twenty(() => askUnderstanding(pool));
    expect(answers.map(rcodeOf)).toEqual(answers.map(() => Rcode.NOERROR));
    expect(Object.keys(outcomes(pool, 0))).toEqual(['malformed']);
    expect(outcomes(pool, 1)).toEqual({ answered: 20 });
  });

  test('an answer that makes no sense is the end where no upstream does better, and none is asked twice', async () => {
    const upstreams = [track(await startFakeUpstream(nonsense)), track(await startFakeUpstream(nonsense))];
    const pool = openPool(upstreams);
    expect(await askUnderstanding(pool)).toEqual({ kind: 'failed', reason: 'malformed' });
    expect(upstreams.map((upstream) => upstream.queries.length)).toEqual([1, 1]);
  });

  test('NXDOMAIN is an answer, not an error', async () => {
    const upstreams = [await answering(Rcode.NXDOMAIN), await answering(Rcode.NXDOMAIN)];
    const pool = openPool(upstreams);
    expect(rcodeOf(await ask(pool, 'no.example.com'))).toBe(Rcode.NXDOMAIN);
    expect(upstreams[0]!.queries.length + upstreams[1]!.queries.length).toBe(1);
  });
});

describe('an upstream whose port is closed', () => {
  test('is left for another at once, long before it would be late', async () => {
    const closed = await startFakeUpstream();
    await closed.stop();
    const pool = openPool([closed, track(await startFakeUpstream())], { attemptTimeoutMs: 20_000 });
    const answers = await twenty(() => ask(pool, 'www.example.com'));
    expect(answers.map(({ kind }) => kind)).toEqual(answers.map(() => 'answer'));
    expect(Object.keys(outcomes(pool, 0))).toEqual(['network']);
  });

  test('is asked again after a pause when it is the only one, and then the query is refused', async () => {
    const closed = await startFakeUpstream();
    await closed.stop();
    const pool = openPool([closed], { attemptsMax: 2 });
    expect(await ask(pool, 'www.example.com')).toEqual({ kind: 'failed', reason: 'refused' });
    expect(outcomes(pool, 0)).toEqual({ network: 2 });
  });

  test('loses no query when it is back in time', async () => {
    const first = await startFakeUpstream();
    await first.stop();
    const pool = openPool([first]);
    const outcome = ask(pool, 'www.example.com');
    await expect.poll(() => outcomes(pool, 0)['network']).toBeGreaterThan(0);
    track(await startFakeUpstream(undefined, first.port));
    expect((await outcome).kind).toBe('answer');
  });
});

describe('hedging', () => {
  test('a query that is late goes to another upstream too, and both outcomes are counted', async () => {
    const { upstreams, kept } = await oneKept();
    const pool = openPool(upstreams, { attemptTimeoutMs: 20_000 });
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
    expect(pool.cells[Counter.upstreamHedges]).toBe(1);
    kept[0]!.reply(respond(kept[0]!));
    await expect.poll(() => [outcomes(pool, 0), outcomes(pool, 1)]).toEqual([{ answered: 1 }, { answered: 1 }]);
  });

  test('a first upstream that never answers is counted as late though the second one did', async () => {
    const { upstreams } = await oneKept();
    const pool = openPool(upstreams, { attemptTimeoutMs: 400 });
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
    await expect
      .poll(() => ({ ...outcomes(pool, 0), ...outcomes(pool, 1) }), { timeout: 5000 })
      .toEqual({ answered: 1, timeout: 1 });
  });

  test('with one upstream there is none', async () => {
    const upstream = track(await startFakeUpstream(() => undefined));
    const pool = openPool([upstream], { attemptTimeoutMs: 300, attemptsMax: 1, deadlineMs: 400 });
    expect(await ask(pool, 'www.example.com')).toEqual({ kind: 'failed', reason: 'timeout' });
    expect(upstream.queries).toHaveLength(1);
  });
});

describe('health', () => {
  test('an upstream that fails every time is down, said once, and gets no query but a probe now and then', async () => {
    const dead = await startFakeUpstream();
    await dead.stop();
    const pool = openPool([dead, track(await startFakeUpstream())]);
    const asks = Array.from({ length: 40 }, (_, index) => ask(pool, `n${index}.example.com`));
    for (const outcome of await Promise.all(asks)) expect(outcome.kind).toBe('answer');
    expect(pool.cells[upstreamDownGauge(0)]).toBe(1);
    expect(pool.cells[upstreamDownGauge(1)]).toBe(0);
    expect(pool.logged).toEqual([
      { level: 'warn', fields: { upstream: `udp://127.0.0.1:${dead.port}` }, message: 'upstream is down' },
    ]);
  });

  test('a down upstream that answers a probe is up again', async () => {
    const dead = await startFakeUpstream();
    await dead.stop();
    const pool = openPool([dead, track(await startFakeUpstream())]);
    await Promise.all(Array.from({ length: 40 }, (_, index) => ask(pool, `n${index}.example.com`)));
    expect(pool.cells[upstreamDownGauge(0)]).toBe(1);
    track(await startFakeUpstream(undefined, dead.port));
    await expect
      .poll(
        async () => {
          await ask(pool, 'www.example.com');
          return pool.cells[upstreamDownGauge(0)];
        },
        { timeout: 15_000 },
      )
      .toBe(0);
    expect(pool.logged.map((entry) => entry.message)).toEqual(['upstream is down', 'upstream answers again']);
  });

  test('with every upstream down queries are still sent', async () => {
    const silent = [track(await startFakeUpstream(() => undefined)), track(await startFakeUpstream(() => undefined))];
    const pool = openPool(silent, { attemptTimeoutMs: 20, deadlineMs: 200 });
    await Promise.all(Array.from({ length: 30 }, (_, index) => ask(pool, `n${index}.example.com`)));
    expect([0, 1].map((slot) => pool.cells[upstreamDownGauge(slot)])).toEqual([1, 1]);
    for (const upstream of silent) upstream.answerWith((query) => respond(query));
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
  });
});
