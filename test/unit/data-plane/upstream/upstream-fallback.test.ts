/** Asking the same upstream again in another way: over TCP after TC, without EDNS after FORMERR or BADVERS; and TCP itself. */
import { afterEach, describe, expect, test } from 'vitest';
import { Rcode } from '../../../../src/dns/iana.ts';
import { type FakeQuery, respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import { ask, closeAll, messageOf, openPool, outcomes, rcodeOf, track } from '../../../support/upstream-harness.ts';

afterEach(closeAll);

const truncatingUdp = (query: FakeQuery): Uint8Array => respond(query, { truncated: query.transport === 'udp' });
const hasEdns = (query: FakeQuery): boolean => query.message[11] === 1;
const transports = (queries: readonly FakeQuery[]): string[] => queries.map(({ transport }) => transport);

describe('a truncated answer', () => {
  test('is fetched over TCP from the same upstream', async () => {
    const upstream = track(await startFakeUpstream(truncatingUdp));
    const pool = openPool([upstream]);
    const message = messageOf(await ask(pool, 'www.example.com'));
    expect(message[2]! & 0x02).toBe(0);
    expect(transports(upstream.queries)).toEqual(['udp', 'tcp']);
    expect(outcomes(pool, 0)).toEqual({ truncated: 1, answered: 1 });
  });

  test('uses the connection that is open', async () => {
    const upstream = track(await startFakeUpstream(truncatingUdp));
    const pool = openPool([upstream]);
    for (let count = 0; count < 5; count++) await ask(pool, 'www.example.com');
    expect(upstream.connectionsAccepted).toBe(1);
  });

  test('leads to another upstream where TCP brings nothing', async () => {
    const deaf = track(
      await startFakeUpstream((query) => (query.transport === 'udp' ? respond(query, { truncated: true }) : undefined)),
    );
    const pool = openPool([deaf, track(await startFakeUpstream())], { attemptTimeoutMs: 50 });
    for (let count = 0; count < 5; count++) expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
  });

  test('is no answer over TCP either', async () => {
    const upstream = track(await startFakeUpstream((query) => respond(query, { truncated: true })));
    const pool = openPool([upstream]);
    expect((await ask(pool, 'www.example.com')).kind).toBe('failed');
  });
});

describe('an upstream without EDNS', () => {
  test('that says FORMERR is asked without it, and so is the next query', async () => {
    const upstream = track(
      await startFakeUpstream((query) =>
        hasEdns(query) ? respond(query, { rcode: Rcode.FORMERR, withEdns: false }) : respond(query),
      ),
    );
    const pool = openPool([upstream]);
    expect(rcodeOf(await ask(pool, 'www.example.com'))).toBe(Rcode.NOERROR);
    expect(rcodeOf(await ask(pool, 'www.example.net'))).toBe(Rcode.NOERROR);
    expect(upstream.queries.map(hasEdns)).toEqual([true, false, false]);
    expect(outcomes(pool, 0)).toEqual({ formerr: 1, answered: 2 });
  });

  test('of a version that is not ours (BADVERS) is asked without it, and so is the next query', async () => {
    const upstream = track(
      await startFakeUpstream((query) => respond(query, hasEdns(query) ? { rcode: Rcode.BADVERS } : {})),
    );
    const pool = openPool([upstream]);
    expect(rcodeOf(await ask(pool, 'www.example.com'))).toBe(Rcode.NOERROR);
    expect(rcodeOf(await ask(pool, 'www.example.net'))).toBe(Rcode.NOERROR);
    expect(upstream.queries.map(hasEdns)).toEqual([true, false, false]);
    expect(outcomes(pool, 0)).toEqual({ formerr: 1, answered: 2 });
  });

  test('that says BADVERS even then is left for another upstream', async () => {
    const stubborn = track(
      await startFakeUpstream((query) => respond(query, { rcode: Rcode.BADVERS, withEdns: true })),
    );
    const pool = openPool([stubborn, track(await startFakeUpstream())]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(pool, 'www.example.com')));
    expect(answers.map(rcodeOf)).toEqual(answers.map(() => Rcode.NOERROR));
    const askedWithEdns = stubborn.queries.filter(hasEdns).length;
    expect(askedWithEdns).toBeGreaterThan(0);
    expect(stubborn.queries).toHaveLength(2 * askedWithEdns);
    expect(outcomes(pool, 0)).toEqual({ formerr: 2 * askedWithEdns });
  });

  test('may say so with a header alone', async () => {
    const upstream = track(
      await startFakeUpstream((query) =>
        hasEdns(query)
          ? Uint8Array.of(query.message[0]!, query.message[1]!, 0x81, 0x84, 0, 0, 0, 0, 0, 0, 0, 0)
          : respond(query),
      ),
    );
    const pool = openPool([upstream]);
    expect(rcodeOf(await ask(pool, 'www.example.com'))).toBe(Rcode.NOERROR);
  });

  test('FORMERR with an OPT record is about something else and is passed on', async () => {
    const upstream = track(await startFakeUpstream((query) => respond(query, { rcode: Rcode.FORMERR })));
    const pool = openPool([upstream]);
    expect(rcodeOf(await ask(pool, 'www.example.com'))).toBe(Rcode.FORMERR);
    expect(upstream.queries).toHaveLength(1);
  });
});

describe('a TCP upstream', () => {
  test('gets many queries on one connection and may answer in any order', async () => {
    const held: FakeQuery[] = [];
    const upstream = track(
      await startFakeUpstream((query) => {
        held.push(query);
        if (held.length === 50) for (const each of held.toReversed()) each.reply(respond(each));
        return undefined;
      }),
    );
    const pool = openPool([upstream], {}, 'tcp');
    const names = Array.from({ length: 50 }, (_, index) => `n${index}.example.com`);
    const answers = await Promise.all(names.map((name) => ask(pool, name)));
    for (const [index, outcome] of answers.entries()) {
      const label = Buffer.from(messageOf(outcome).subarray(13, 13 + `n${index}`.length)).toString('latin1');
      expect(label).toBe(`n${index}`);
    }
    expect(upstream.connectionsAccepted).toBe(1);
    expect(transports(upstream.queries)).toEqual(names.map(() => 'tcp'));
  });

  test('that breaks the connection is asked once more on a new one', async () => {
    const upstream = track(
      await startFakeUpstream((query) => {
        if (query.index > 0) return respond(query);
        upstream.breakConnections();
        return undefined;
      }),
    );
    const pool = openPool([upstream], {}, 'tcp');
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
    expect(upstream.connectionsAccepted).toBe(2);
  });

  test('that breaks every connection fails the query, not the pool', async () => {
    const upstream = track(
      await startFakeUpstream(() => {
        upstream.breakConnections();
        return undefined;
      }),
    );
    const pool = openPool([upstream], { attemptsMax: 2 }, 'tcp');
    expect(await ask(pool, 'www.example.com')).toEqual({ kind: 'failed', reason: 'network' });
    upstream.answerWith((query) => respond(query));
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
  });

  test('that closed an idle connection is asked on a new one', async () => {
    const upstream = track(await startFakeUpstream());
    const pool = openPool([upstream], {}, 'tcp');
    await ask(pool, 'www.example.com');
    upstream.breakConnections();
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
  });

  test('that sends messages nobody asked for is heard only for those that were', async () => {
    const upstream = track(
      await startFakeUpstream((query) => {
        const wrong = respond(query);
        wrong[0]! ^= 0xff;
        query.reply(wrong);
        query.reply(Uint8Array.of());
        return respond(query);
      }),
    );
    const pool = openPool([upstream], {}, 'tcp');
    expect((await ask(pool, 'www.example.com')).kind).toBe('answer');
    expect(outcomes(pool, 0)).toEqual({ answered: 1, mismatched: 2 });
  });

  test('whose port is closed is refused', async () => {
    const closed = await startFakeUpstream();
    await closed.stop();
    const pool = openPool([closed], { attemptsMax: 1 }, 'tcp');
    expect(await ask(pool, 'www.example.com')).toEqual({ kind: 'failed', reason: 'refused' });
  });
});
