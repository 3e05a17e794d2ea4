import { afterEach, expect, test } from 'vitest';
import { HeaderFlag, Rcode } from '../../../../src/dns/iana.ts';
import { readUint16 } from '../../../../src/dns/patch.ts';
import { respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import { closeAll, ask, openPool, outcomes, rcodeOf, track } from '../../../support/upstream-harness.ts';

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
  expect([...first!.slice(-11)]).toEqual([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
  expect([...second!.slice(-11)]).toEqual([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
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
