/** What the client of the admin API makes of answers, refusals and broken connections, over real connections. */
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  ANSWER_BYTES_MAX,
  ApiClient,
  RETRIES_MAX,
  type ApiOutcome,
  type ApiRequest,
} from '../../../src/cli/api-client.ts';
import { failureText } from '../../../src/cli/api-failure.ts';
import { problemAnswer, startFakeApi, textOf, type FakeApi } from '../../support/fake-api.ts';
import { freePort } from '../../support/free-port.ts';
import { readProjectFile } from '../../support/source-files.ts';

const TOKEN = 'weir_abcdefgh_secret';

function clientOf({ url }: { url: string }): { client: ApiClient; waits: number[]; whys: string[] } {
  const waits: number[] = [];
  const whys: string[] = [];
  const client = new ApiClient(
    { url: new URL(url), token: TOKEN },
    {
      sleep: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
      onRetry: (why) => whys.push(why),
    },
  );
  return { client, waits, whys };
}

const GET: ApiRequest = { method: 'GET', path: 'v1/token', repeat: 'safe' };

describe('the client of the admin API', () => {
  test('sends the token in the header and JSON in the body, and reads JSON', async () => {
    const api = await startFakeApi(() => ({ body: { version: 1 } }));
    const request: ApiRequest = { method: 'POST', path: 'v1/x', body: { json: { a: 'é' } }, repeat: 'never' };
    expect(await clientOf(api).client.send({ ...request, headers: { 'idempotency-key': 'k' } })).toEqual({
      kind: 'ok',
      body: { version: 1 },
    });
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/v1/x', body: '{"a":"é"}' });
    expect(api.seen[0]!.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'idempotency-key': 'k',
    });
  });

  test('keeps the path of its address: Weir may be behind a proxy', async () => {
    const api = await startFakeApi(() => ({}));
    await clientOf({ url: `${api.url}/weir` }).client.send(GET);
    expect(api.seen[0]!.url).toBe('/weir/v1/token');
  });

  test('gives a problem document back as it is', async () => {
    const problem = { title: 'T', status: 400, code: 'badRequest', detail: 'D', errors: [{ path: 'a', message: 'b' }] };
    const api = await startFakeApi(() => ({ status: 400, body: problem }));
    expect(await clientOf(api).client.send(GET)).toEqual({ kind: 'problem', problem, retryAfterMs: undefined });
    expect(api.seen).toHaveLength(1);
  });

  test.each([
    ['a page', 200, '<html>'],
    ['nothing', 404, ''],
    ['JSON without a code', 404, '{"message":"no"}'],
    ['a redirect', 302, ''],
  ])('believes nothing that is not the API: %s', async (_what, status, body) => {
    const api = await startFakeApi(() => ({ status, body, headers: { location: 'http://127.0.0.1:1/' } }));
    const { client, waits } = clientOf(api);
    expect(await client.send(GET)).toMatchObject({ kind: 'unreachable', isFinal: true });
    expect(waits).toEqual([]);
    expect(api.seen).toHaveLength(1);
  });

  test('does not read an answer without end', async () => {
    const api = await startFakeApi((_seen, _request, response) => {
      const piece = 'x'.repeat(1024 * 1024);
      const write = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', write);
      write();
      return undefined;
    });
    const outcome = await clientOf(api).client.send({ ...GET, repeat: 'never' });
    expect(outcome).toMatchObject({ kind: 'unreachable', message: expect.stringContaining(String(ANSWER_BYTES_MAX)) });
  });

  test('does not wait for ever', async () => {
    const api = await startFakeApi(() => undefined);
    const outcome = await clientOf(api).client.send({ ...GET, repeat: 'never', idleTimeoutMs: 50 });
    expect(outcome).toMatchObject({
      kind: 'unreachable',
      mayHaveArrived: true,
      message: expect.stringContaining('0.05 s'),
    });
  });
});

describe('what is sent again', () => {
  test('whatever may safely be, where nobody listens: a few times, with longer waits', async () => {
    const { client, waits, whys } = clientOf({ url: `http://127.0.0.1:${await freePort()}` });
    const outcome = await client.send(GET);
    expect(outcome).toMatchObject({ kind: 'unreachable', mayHaveArrived: false });
    expect(failureText(outcome as never)).toMatch(/^Weir cannot be reached: nothing listens at 127\.0\.0\.1:\d+$/);
    expect(waits).toEqual([500, 1000, 2000, 4000]);
    expect(whys).toHaveLength(RETRIES_MAX);
  });

  test('a connection that broke: what is safe again, what is not only where it did not arrive', async () => {
    for (const [repeat, requests] of [
      ['safe', 2],
      ['unsent', 1],
      ['never', 1],
    ] as const) {
      let count = 0;
      const api = await startFakeApi((_seen, request) => {
        if (++count > 1) return { body: { good: true } };
        request.socket.destroy();
        return undefined;
      });
      const outcome = await clientOf(api).client.send({ method: 'POST', path: 'v1/x', body: { json: {} }, repeat });
      expect(outcome.kind).toBe(requests === 2 ? 'ok' : 'unreachable');
      expect(api.seen.map(({ url }) => url)).toHaveLength(requests);
    }
  });

  test.each([
    [503, 'storeUnavailable', 'unsent', true],
    [429, 'tooManyRequests', 'safe', true],
    [409, 'changeRunning', 'safe', true],
    [504, 'notInForceYet', 'safe', true],
    // It is durable: a second time it would be done twice.
    [504, 'notInForceYet', 'unsent', false],
    [507, 'storeFull', 'safe', false],
    [401, 'unauthenticated', 'safe', false],
    [422, 'idempotencyMismatch', 'safe', false],
    [503, 'storeUnavailable', 'never', false],
  ] as const)('status %i %s, %s: %s', async (status, code, repeat, isRepeated) => {
    let count = 0;
    const api = await startFakeApi(() => (++count === 1 ? problemAnswer(status, code) : { body: {} }));
    const outcome = await clientOf(api).client.send({ ...GET, repeat });
    expect(outcome.kind).toBe(isRepeated ? 'ok' : 'problem');
    expect(count).toBe(isRepeated ? 2 : 1);
  });

  test('waits as long as it is asked to, within limits', async () => {
    const api = await startFakeApi((seen) =>
      problemAnswer(429, 'tooManyRequests', '', { 'retry-after': seen.url === '/v1/long' ? '86400' : '7' }),
    );
    const { client, waits } = clientOf(api);
    await client.send(GET);
    expect(waits).toEqual([7000, 7000, 7000, 7000]);
    waits.length = 0;
    await client.send({ ...GET, path: 'v1/long' });
    expect(waits).toEqual([30_000, 30_000, 30_000, 30_000]);
  });
});

const bulk = (lines: () => Readable): ApiRequest => ({
  method: 'POST',
  path: 'v1/x',
  body: { lines },
  repeat: 'safe',
});

describe('a body of lines', () => {
  test('is made anew for each attempt', async () => {
    let count = 0;
    const api = await startFakeApi(() => (++count === 1 ? problemAnswer(503, 'storeUnavailable') : { body: {} }));
    const outcome = await clientOf(api).client.send(bulk(() => Readable.from(['{"a":1}\n', '{"b":2}\n'])));
    expect(outcome.kind).toBe('ok');
    expect(api.seen.map(({ body }) => body)).toEqual(['{"a":1}\n{"b":2}\n', '{"a":1}\n{"b":2}\n']);
    expect(api.seen[0]!.headers['content-type']).toBe('application/x-ndjson');
  });

  test('that fails ends the connection before the end of the body: what was sent does not count', async () => {
    const broken = Promise.withResolvers<unknown>();
    const api = await startFakeApi((_seen, request) => {
      textOf(request).then(() => broken.resolve('whole'), broken.resolve);
      return undefined;
    }, false);
    const stream = new PassThrough();
    stream.write('{"reason":"x"}\n');
    const outcome = clientOf(api).client.send(bulk(() => stream));
    await until(() => api.seen.length > 0);
    stream.destroy(new Error('bad list'));
    expect(await outcome).toEqual({ kind: 'aborted' });
    expect(await broken.promise).toMatchObject({ code: 'ECONNRESET' });
  });

  test('is not sent to its end once there is an answer', async () => {
    const api = await startFakeApi((_seen, request) => {
      request.resume();
      return problemAnswer(401, 'unauthenticated');
    }, false);
    let pieces = 0;
    const endless = (): Readable =>
      Readable.from(
        (function* () {
          for (;;) {
            pieces += 1;
            yield '{"add":{"name":"a.example"}}\n'.repeat(1000);
          }
        })(),
        { highWaterMark: 1 },
      );
    const outcome = await clientOf(api).client.send(bulk(endless));
    expect(outcome).toMatchObject({ kind: 'problem', problem: { code: 'unauthenticated' } });
    const sent = pieces;
    await new Promise((resolve) => setImmediate(resolve));
    expect(pieces).toBe(sent);
  });
});

describe('a server with a certificate', () => {
  test('is believed by the authority that it is given', async () => {
    expect(await sendByTls(pem('ca'))).toMatchObject({ outcome: { kind: 'ok' }, requests: 1 });
  });

  test('gets no token, and no second try, where nobody vouches for it', async () => {
    const { outcome, requests, waits } = await sendByTls(undefined);
    expect(outcome).toMatchObject({ kind: 'unreachable', mayHaveArrived: false, isFinal: true });
    expect([requests, waits]).toEqual([0, 0]);
  });
});

function pem(name: string): string {
  return readProjectFile(`test/fixtures/tls/${name}.pem`);
}

async function sendByTls(ca: string | undefined): Promise<{ outcome: ApiOutcome; requests: number; waits: number }> {
  let requests = 0;
  const server = createTlsServer({ cert: pem('server'), key: pem('server-key') }, (_request, response) => {
    requests += 1;
    response.end('{"good":true}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let waits = 0;
  const sleep = (): Promise<void> => Promise.resolve(void waits++);
  const client = new ApiClient({ url: new URL(`https://127.0.0.1:${port}`), token: TOKEN, ca }, { sleep });
  const outcome = await client.send(GET);
  server.closeAllConnections();
  server.close();
  return { outcome, requests, waits };
}

test('a server that is none of HTTP is not Weir', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('220 mail.example ESMTP\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const outcome = await clientOf({ url: `http://127.0.0.1:${port}` }).client.send({ ...GET, repeat: 'never' });
  expect(outcome.kind).toBe('unreachable');
  server.close();
});

describe('what a person is told', () => {
  test.each([
    [
      problemAnswer(401, 'unauthenticated', 'The token is unknown.'),
      /token is unknown\. \[unauthenticated\] .*--token-file/,
    ],
    [problemAnswer(403, 'forbidden', 'It needs push.'), /needs push\. \[forbidden\] .*weir token create/],
    [problemAnswer(403, 'samePerson'), /^Title of samePerson\. \[samePerson\] Somebody else/],
    [problemAnswer(404, 'versionUnknown'), /^Title of versionUnknown\. \[versionUnknown\]$/],
  ])('%#', async (answer, text) => {
    const api: FakeApi = await startFakeApi(() => answer);
    const outcome = await clientOf(api).client.send(GET);
    expect(failureText(outcome as never)).toMatch(text);
  });

  test('with the first errors, and nothing that a terminal obeys', async () => {
    const errors = Array.from({ length: 7 }, (_, index) => ({ path: `add/${index}`, message: 'must \u001b[31mnot' }));
    const api = await startFakeApi(() => ({
      status: 400,
      body: { title: 'T', code: 'badRequest', detail: 'D', errors },
    }));
    const lines = failureText((await clientOf(api).client.send(GET)) as never).split('\n');
    expect(lines).toHaveLength(7);
    expect(lines[1]).toBe('  add/0: must \\u{1b}[31mnot');
    expect(lines.at(-1)).toBe('  and 2 more');
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
