/** Two upstreams that do everything wrong at random: what still must hold. */
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { Rcode } from '../../../../src/dns/iana.ts';
import { matchResponse, ResponseMatch } from '../../../../src/data-plane/upstream/match-response.ts';
import { QUERY_BYTES_MAX, writeQuery } from '../../../../src/data-plane/upstream/query-message.ts';
import { Counter } from '../../../../src/telemetry/counters.ts';
import { type FakeQuery, respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import {
  ask,
  closeAll,
  openPool,
  outcomes,
  question,
  receiving,
  type TestPool,
  track,
} from '../../../support/upstream-harness.ts';

afterEach(closeAll);

const BATCHES = 10;
/** Few enough at a time that no socket's buffer overflows: a lost query is counted, but never received. */
const QUERIES_PER_BATCH = 40;

/** One misdeed in two, chosen by the query's own random id, so that no seed is needed. */
function misbehave(query: FakeQuery): Uint8Array | undefined {
  switch (query.message[1]! % 16) {
    case 0:
    case 1:
      return undefined;
    case 2:
      return respond(query, { rcode: Rcode.SERVFAIL });
    case 3:
      return respond(query, { rcode: Rcode.REFUSED });
    case 4:
      return respond(query, { rcode: Rcode.FORMERR, withEdns: false });
    case 5:
    case 6:
      return respond(query, { truncated: true });
    default:
      return respond(query);
  }
}

/** The same, with messages beside the answer that nobody waits for. */
function lieAndMisbehave(query: FakeQuery): Uint8Array | undefined {
  const lie = respond(query);
  lie[13]! ^= 0xff;
  query.reply(lie);
  query.reply(query.message.slice(0, query.message[0]! % 12));
  query.reply(query.message);
  return misbehave(query);
}

/** Asks in batches; how many outcomes each question had. */
async function askInBatches(pool: TestPool): Promise<number[]> {
  const delivered: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    await new Promise<void>((resolve) => {
      let left = QUERIES_PER_BATCH;
      for (let index = 0; index < QUERIES_PER_BATCH; index++) {
        const key = batch * QUERIES_PER_BATCH + index;
        const receiver = receiving(() => {
          delivered[key] = (delivered[key] ?? 0) + 1;
          if (--left === 0) resolve();
        });
        pool.exchange(question(`n${key}.example.com`), receiver, performance.now());
      }
    });
  }
  return delivered;
}

const QUICK = { attemptTimeoutMs: 100, deadlineMs: 1000 };
const ONCE_EACH = Array.from({ length: BATCHES * QUERIES_PER_BATCH }, () => 1);

test('every question has exactly one outcome, and every transmission exactly one counted outcome', async () => {
  const upstreams = [track(await startFakeUpstream(misbehave)), track(await startFakeUpstream(misbehave))];
  const pool = openPool(upstreams, QUICK);
  const delivered = await askInBatches(pool);
  // Why not simply equal: on a busy machine a transmission may run out of time before it gets there (a TCP connection
  // that is not open yet); it must be counted as late, and nothing else may make a difference.
  const unaccounted = (slot: number): number => {
    const counts = outcomes(pool, slot);
    const counted = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const notReceived = counted - upstreams[slot]!.queries.length;
    return notReceived < 0 ? notReceived : Math.max(0, notReceived - (counts['timeout'] ?? 0));
  };
  await expect.poll(() => [0, 1].map(unaccounted), { timeout: 5000 }).toEqual([0, 0]);
  expect(delivered).toEqual(ONCE_EACH);
  expect(pool.cells[Counter.upstreamOutstanding]).toBe(0);
});

test('lies beside the answers change neither that each question has one outcome nor that the pool goes on', async () => {
  const upstreams = [track(await startFakeUpstream(lieAndMisbehave)), track(await startFakeUpstream(lieAndMisbehave))];
  const pool = openPool(upstreams, QUICK);
  expect(await askInBatches(pool)).toEqual(ONCE_EACH);
  expect(pool.cells[Counter.upstreamOutstanding]).toBe(0);
  for (const upstream of upstreams) upstream.answerWith((query) => respond(query));
  expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
});

test('whatever octets arrive, a match has our question and is a response', () => {
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const questionEnd = writeQuery(query, question('www.example.com'), { udpPayloadBytes: 1232 });
  const good = query.slice(0, questionEnd);
  good[2] = 0x81;
  const mutation = fc.tuple(fc.nat(questionEnd - 1), fc.nat(255));
  const cut = fc.integer({ min: 0, max: questionEnd });
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 4 }), cut, (mutations, length) => {
      const bytes = good.slice();
      for (const [offset, octet] of mutations) bytes[offset] = octet;
      for (const end of [length, bytes.length]) {
        const match = matchResponse(query, questionEnd, bytes, 0, end);
        if (match === ResponseMatch.no || end === 12) continue;
        expect(bytes[2]! & 0xf8).toBe(0x80);
        const text = (from: Uint8Array): string => Buffer.from(from.subarray(12, questionEnd)).toString('latin1');
        expect(text(bytes).toLowerCase()).toBe(text(query).toLowerCase());
        expect(match === ResponseMatch.yes).toBe(text(bytes) === text(query));
      }
    }),
    { numRuns: 2000 },
  );
});
