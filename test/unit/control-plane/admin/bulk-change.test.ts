import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { BULK_CHANGES_MAX, CHUNK_ENTRIES } from '../../../../src/control-plane/admin/bulk-change.ts';
import { LINE_BYTES_MAX } from '../../../../src/control-plane/admin/ndjson-lines.ts';
import { LedgerUnavailable } from '../../../../src/control-plane/ledger/ledger-failure.ts';
import type { Ledger } from '../../../../src/control-plane/ledger/ledger.ts';
import { bearer, closeApis, config, createApi, stagingLedger } from '../../../support/api-harness.ts';

afterEach(closeApis);

type Api = ReturnType<typeof createApi>;
const HEAD = '{"reason":"bulk"}\n';

async function portOf(api: Api): Promise<number> {
  const address = api.server.server.address();
  if (typeof address === 'object' && address !== null) return address.port;
  return Number(new URL(await api.server.listen({ host: '127.0.0.1', port: 0 })).port);
}

/** Over a real connection: what is tested is how a stream is read. */
async function pushLines(api: Api, payload: string | Uint8Array | Readable, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${await portOf(api)}/v1/lists/desk/changes`, {
    method: 'POST',
    headers: { ...bearer('pusher'), 'content-type': 'application/x-ndjson', ...headers },
    body: payload instanceof Readable ? Readable.toWeb(payload) : (payload as string),
    duplex: 'half',
  });
  const body = (await response.json()) as { detail?: string };
  return { statusCode: response.status, json: () => body };
}

function adds(count: number): string {
  return Array.from({ length: count }, (_, i) => `{"add":{"name":"n${i}.example"}}\n`).join('');
}

/** The request's header and the beginning of its body, over a socket. */
async function openUpload(api: Api, body: string) {
  const socket = connect(await portOf(api), '127.0.0.1');
  socket.on('error', () => undefined);
  const fields = 'Host: localhost\r\nAuthorization: Bearer pusher\r\nContent-Type: application/x-ndjson\r\n';
  socket.write(`POST /v1/lists/desk/changes HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n`);
  socket.write(`${body.length.toString(16)}\r\n${body}\r\n`);
  return socket;
}

function isGone(): Promise<never> {
  return Promise.reject(new LedgerUnavailable('its thread is gone'));
}

function refused() {
  return Promise.resolve({ kind: 'refused', code: 'idempotencyMismatch', message: 'another change' } as const);
}

describe('a change as NDJSON', () => {
  it('is staged in pieces and committed once', async () => {
    const ledger = stagingLedger({ version: 5 });
    const api = createApi(ledger);
    const count = 2 * CHUNK_ENTRIES + 3;
    const body = `${HEAD}${adds(count)}{"remove":{"name":"y.top","scope":"exact"}}\n{"remove":"z.top"}`;
    // Pieces that end in the middle of lines.
    const pieces = body.match(/[^]{1,1000}/g) ?? [];
    const response = await pushLines(api, Readable.from(pieces.map((piece) => Buffer.from(piece))), {
      'idempotency-key': 'k',
    });
    expect([response.statusCode, response.json()]).toMatchObject([200, { version: 5, accepted: count }]);
    const [staged] = ledger.staged;
    expect(staged).toMatchObject({
      head: { list: 'desk', reason: 'bulk', idempotencyKey: 'k', actor: { id: 'aaaaaaaa' } },
      remove: ['y.top', 'z.top'],
      chunks: [CHUNK_ENTRIES, CHUNK_ENTRIES, 5],
      end: 'committed',
    });
    expect(staged!.add).toEqual(Array.from({ length: count }, (_, i) => `n${i}.example`));
    expect(api.applied).toHaveLength(1);
    expect(api.counted).toContain('desk inForce');
  });

  it('the first line may have the idempotency key; two that differ are refused', async () => {
    const ledger = stagingLedger();
    const head = '{"reason":"bulk","idempotencyKey":"inside"}\n';
    expect((await pushLines(createApi(ledger), head)).statusCode).toBe(200);
    expect(ledger.staged[0]!.head.idempotencyKey).toBe('inside');
    const both = await pushLines(createApi(ledger), head, { 'idempotency-key': 'outside' });
    expect(both.statusCode).toBe(400);
  });

  it('gzip is read', async () => {
    const ledger = stagingLedger();
    const response = await pushLines(createApi(ledger), gzipSync(HEAD + adds(10)), { 'content-encoding': 'gzip' });
    expect(response.statusCode).toBe(200);
    expect(ledger.staged[0]!.add).toHaveLength(10);
  });

  it('what is no gzip, or half of one, is refused and abandoned', async () => {
    const ledger = stagingLedger();
    const api = createApi(ledger);
    const whole = gzipSync(HEAD + adds(5000));
    for (const body of [Buffer.from(HEAD), whole.subarray(0, whole.length / 2)]) {
      const response = await pushLines(api, body, { 'content-encoding': 'gzip' });
      expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'badRequest' }]);
    }
    expect(ledger.staged.map(({ end }) => end)).toEqual(['abandoned']);
    expect(api.counted).toEqual(['desk broken', 'desk broken']);
    expect(api.applied).toEqual([]);
  });

  it('another encoding is 415', async () => {
    const response = await pushLines(createApi(), HEAD, { 'content-encoding': 'br' });
    expect([response.statusCode, response.json()]).toMatchObject([415, { code: 'unsupportedMediaType' }]);
  });

  it('a small body that unpacks to more than the limit is refused', async () => {
    const ledger = stagingLedger();
    const bomb = gzipSync(HEAD + '\n'.repeat(8 * 1024 * 1024));
    const response = await pushLines(createApi(ledger), bomb, { 'content-encoding': 'gzip' });
    expect([response.statusCode, response.json()]).toMatchObject([413, { code: 'payloadTooLarge' }]);
    expect(ledger.staged[0]!.end).toBe('abandoned');
  });

  it.each([
    ['no line', '', 'first line'],
    ['no reason', '{"add":{"name":"a.example"}}\n', 'line 1'],
    ['a second reason', `${HEAD}${HEAD}`, 'line 2'],
    ['no JSON', `${HEAD}\n{"add"`, 'line 3'],
    ['an entry and a removal at once', `${HEAD}{"add":{"name":"a"},"remove":"b"}\n`, 'line 2'],
    ['an unknown property', `${HEAD}{"add":{"name":"a","x":1}}\n`, 'line 2'],
    ['an array', `${HEAD}[]\n`, 'line 2'],
    ['a prototype', `${HEAD}{"__proto__":{"add":{"name":"a"}}}\n`, 'line 2'],
    ['a long line', `${HEAD}{"add":{"name":"${'a'.repeat(LINE_BYTES_MAX)}"}}\n`, 'line 2'],
    ['a line without end', HEAD + 'a'.repeat(LINE_BYTES_MAX + 1), 'line 2'],
  ])('%s is 400 with the line, and nothing is committed', async (_what, body, where) => {
    const ledger = stagingLedger();
    const api = createApi(ledger);
    const response = await pushLines(api, body);
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'badRequest' }]);
    expect(response.json().detail).toContain(where);
    expect(ledger.staged.every(({ end }) => end === 'abandoned')).toBe(true);
    expect(api.counted).toEqual(['desk refused']);
  });

  it('octets that are not UTF-8 are refused', async () => {
    const body = Buffer.concat([Buffer.from(HEAD), Buffer.from([0x22, 0xff, 0x22, 0x0a])]);
    expect((await pushLines(createApi(stagingLedger()), body)).statusCode).toBe(400);
  });

  it('more entries than push.entriesMax are 413 and abandoned', async () => {
    const ledger = stagingLedger();
    const response = await pushLines(createApi(ledger), HEAD + adds(10_001));
    expect([response.statusCode, response.json()]).toMatchObject([413, { code: 'tooManyEntries' }]);
    expect(ledger.staged[0]!.end).toBe('abandoned');
  });

  it('a refusal of the ledger, at the beginning or at the end, is answered', async () => {
    const begin = await pushLines(createApi({ ...stagingLedger(), begin: refused }), HEAD + adds(1));
    expect([begin.statusCode, begin.json()]).toMatchObject([422, { code: 'idempotencyMismatch' }]);
    const commit = await pushLines(createApi({ ...stagingLedger(), commit: refused }), HEAD + adds(1));
    expect(commit.statusCode).toBe(422);
  });

  it('a ledger that goes away meanwhile is 503', async () => {
    const api = createApi({ ...stagingLedger(), stage: isGone, abandon: isGone });
    const response = await pushLines(api, HEAD + adds(CHUNK_ENTRIES));
    expect([response.statusCode, response.json()]).toMatchObject([503, { code: 'storeUnavailable' }]);
    expect(api.counted).toEqual(['desk refused']);
  });

  it('a replay is answered when all was sent', async () => {
    const ledger = stagingLedger({ isReplay: true, version: 3 });
    const response = await pushLines(createApi(ledger), HEAD + adds(9_000));
    expect([response.statusCode, response.json()]).toMatchObject([200, { replayed: true, version: 3 }]);
    expect(ledger.staged).toMatchObject([{ add: { length: 9_000 }, end: 'committed' }]);
  });

  it('a connection that breaks abandons what was staged', async () => {
    const ledger = stagingLedger();
    const api = createApi(ledger);
    const socket = await openUpload(api, HEAD + adds(CHUNK_ENTRIES));
    await expect.poll(() => ledger.staged[0]?.chunks.length).toBe(1);
    socket.destroy();
    await expect.poll(() => ledger.staged[0]?.end).toBe('abandoned');
    await expect.poll(() => api.counted).toEqual(['desk broken']);
    expect(api.applied).toEqual([]);
  });

  it('an answer before the end of the body reaches the sender', async () => {
    const api = createApi(stagingLedger());
    const socket = await openUpload(api, `${HEAD}{"no":1}\n`);
    socket.write('0\r\n\r\n');
    socket.end();
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [^]*"code":"badRequest"/);
  });

  it('the sender is slowed down to what the ledger takes', async () => {
    const gate = Promise.withResolvers<void>();
    let waiting = 0;
    const ledger: Partial<Ledger> = {
      ...stagingLedger(),
      stage: () => {
        waiting += 1;
        return gate.promise;
      },
    };
    const api = createApi(ledger, { config: () => config({ entriesMax: 10_000_000, bodyBytesMax: 2 ** 30 }) });
    // Few lines and long ones: what is tested is how much is read, not how long reading takes.
    const piece = Buffer.from(adds(1_000).replaceAll('\n', `${' '.repeat(4_000)}\n`));
    let taken = 0;
    const source = Readable.from(
      (function* body() {
        yield Buffer.from(HEAD);
        for (; taken < 40; taken++) yield piece;
      })(),
      { highWaterMark: 1 },
    );
    const response = pushLines(api, source);
    await expect.poll(() => waiting).toBe(1);
    let before = -1;
    // Until the buffers of the connection are full.
    await expect
      .poll(
        () => {
          const isStill = before === taken;
          before = taken;
          return isStill;
        },
        { interval: 200 },
      )
      .toBe(true);
    expect([waiting, taken < 40]).toEqual([1, true]);
    gate.resolve();
    expect((await response).statusCode).toBe(200);
    expect(taken).toBe(40);
  });

  it('there is a limit to how many run at a time', async () => {
    const ledger = stagingLedger();
    const api = createApi(ledger);
    const sockets = [];
    for (let i = 0; i < BULK_CHANGES_MAX; i++) sockets.push(await openUpload(api, HEAD));
    await expect.poll(() => ledger.staged.length).toBe(BULK_CHANGES_MAX);
    const response = await pushLines(api, HEAD);
    expect([response.statusCode, response.json()]).toMatchObject([429, { code: 'tooManyRequests' }]);
    sockets[0]!.destroy();
    await expect.poll(() => ledger.staged[0]?.end).toBe('abandoned');
    expect((await pushLines(api, HEAD)).statusCode).toBe(200);
  });

  it('no other route takes it', async () => {
    const response = await createApi().server.inject({
      method: 'POST',
      url: '/v1/lists/desk/rollback',
      headers: { ...bearer('pusher'), 'content-type': 'application/x-ndjson' },
      payload: HEAD,
    });
    expect(response.statusCode).toBe(415);
  });
});
