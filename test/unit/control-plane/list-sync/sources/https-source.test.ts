import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAllowedUrl, REDIRECTS_MAX } from '../../../../../src/control-plane/list-sync/sources/guarded-request.ts';
import {
  BACKOFF_FIRST_MS,
  JITTER_SHARE,
  httpsSource,
  nextWaitMs,
} from '../../../../../src/control-plane/list-sync/sources/https-source.ts';
import type { ListSource, ReadOutcome } from '../../../../../src/control-plane/list-sync/sources/list-source.ts';
import { HostileHttpServer, type Handler } from '../../../../support/hostile-http-server.ts';

const BYTES_MAX = 64 * 1024;
let server: HostileHttpServer;
const sources: ListSource[] = [];

beforeEach(async () => {
  server = await HostileHttpServer.start();
});
afterEach(async () => {
  for (const source of sources.splice(0)) source.close();
  await server.close();
});

function open(location = server.url(), fetchTimeoutMs = 10_000): ListSource {
  const source = httpsSource.create({ location, refreshSeconds: 3600, bytesMax: BYTES_MAX, fetchTimeoutMs });
  sources.push(source);
  return source;
}

async function readWith(handler: Handler, fetchTimeoutMs?: number): Promise<ReadOutcome> {
  server.handler = handler;
  return open(server.url(), fetchTimeoutMs).read({ validators: undefined, force: false });
}

function textOf(outcome: ReadOutcome): string {
  if (outcome.kind !== 'content' || outcome.input.kind !== 'bytes') return JSON.stringify(outcome);
  return new TextDecoder().decode(outcome.input.bytes);
}

describe('a good server', () => {
  test('gives the content and what to ask with the next time', async () => {
    const outcome = await readWith((_request, response) => {
      response.setHeader('etag', '"v1"').setHeader('last-modified', 'Mon, 01 Jan 2024 00:00:00 GMT');
      response.end('bad.example\n');
    });
    expect(textOf(outcome)).toBe('bad.example\n');
    expect(outcome).toMatchObject({ validators: { etag: '"v1"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' } });
  });

  test('that says 304 confirms what is in force', async () => {
    server.handler = (request, response) => {
      response.statusCode = request.headers['if-none-match'] === '"v1"' ? 304 : 200;
      response.end();
    };
    const source = open();
    expect(await source.read({ validators: { etag: '"v1"' }, force: false })).toEqual({
      kind: 'unchanged',
      confirmed: true,
      redirectHosts: [],
    });
    expect((await source.read({ validators: { etag: '"v1"' }, force: true })).kind).toBe('content');
  });

  test('may redirect', async () => {
    const outcome = await readWith((request, response) => {
      if (request.url === '/list.txt') response.writeHead(302, { location: '/elsewhere' });
      response.end(request.url === '/elsewhere' ? 'bad.example\n' : '');
    });
    expect(textOf(outcome)).toBe('bad.example\n');
    expect(outcome).toMatchObject({ redirectHosts: ['127.0.0.1'] });
  });

  test('may compress: the octets arrive as sent, for the reader of lists to expand', async () => {
    const packed = gzipSync('bad.example\n');
    const outcome = await readWith((_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(packed);
    });
    expect(outcome).toMatchObject({ kind: 'content', input: { kind: 'bytes', bytes: new Uint8Array(packed) } });
  });
});

describe('a hostile or broken server is a failure with a reason', () => {
  const cases: readonly [string, string, RegExp, Handler][] = [
    [
      'that is an HTML page with status 200',
      'html',
      /a page, not a list/,
      (_q, response) => {
        response.setHeader('content-type', 'text/html; charset=utf-8').end('<html>');
      },
    ],
    [
      'of status 404',
      'httpStatus',
      /answered with status 404/,
      (_q, response) => {
        response.writeHead(404).end('not here');
      },
    ],
    [
      'of status 304 that nobody asked for',
      'httpStatus',
      /status 304/,
      (_q, response) => {
        response.writeHead(304).end();
      },
    ],
    [
      'that never stops sending',
      'tooLarge',
      /sent more than 65536 bytes/,
      (_q, response) => {
        const push = (): void => {
          while (!response.destroyed && response.write('x'.repeat(1000)));
        };
        response.on('drain', push);
        push();
      },
    ],
    [
      'that announces too much',
      'tooLarge',
      /announces 99999999 bytes/,
      (_q, response) => {
        response.writeHead(200, { 'content-length': '99999999' }).write('x');
      },
    ],
    [
      'that ends before the announced length',
      'truncated',
      /less than it announced/,
      (_q, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('bad.example\n', () => response.socket?.end());
      },
    ],
    [
      'that ends in the middle of a chunk',
      'truncated',
      /less than it announced/,
      (_q, response) => {
        response.socket?.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400\r\nbad.example\n');
      },
    ],
    [
      'that is no HTTP',
      'network',
      /cannot be fetched/,
      (_q, response) => {
        response.socket?.end('220 smtp.example ESMTP\r\n');
      },
    ],
    [
      'that redirects in a circle',
      'redirect',
      /redirects more than 5 times/,
      (_q, response) => {
        response.writeHead(302, { location: '/list.txt' }).end();
      },
    ],
    [
      'that redirects to http elsewhere',
      'redirect',
      /not https/,
      (_q, response) => {
        response.writeHead(302, { location: 'http://lists.example/list.txt' }).end();
      },
    ],
    [
      'that redirects to a file',
      'redirect',
      /not https/,
      (_q, response) => {
        response.writeHead(302, { location: 'file:///etc/passwd' }).end();
      },
    ],
    [
      'that redirects to nowhere',
      'redirect',
      /redirects to nowhere/,
      (_q, response) => {
        response.writeHead(301).end();
      },
    ],
  ];
  test.each(cases)('%s: %s', async (_what, reason, message, handler) => {
    const outcome = await readWith(handler);
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason } });
    expect(JSON.stringify(outcome)).toMatch(message);
  });

  test('that never answers: timeout', async () => {
    const outcome = await readWith(() => undefined, 50);
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'timeout' } });
  });

  test('that stops in the middle without closing: timeout', async () => {
    const outcome = await readWith((_request, response) => void response.write('bad.example\n'), 100);
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'timeout' } });
  });

  test('with endless headers: network', async () => {
    const outcome = await readWith((_request, response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\n${'x-filler: 0123456789\r\n'.repeat(5000)}`);
    });
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'network' } });
  });

  test('that is not there: network', async () => {
    const outcome = await open('http://127.0.0.1:1/list.txt').read({ validators: undefined, force: false });
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'network' } });
  });

  test.each<[string, Handler]>([
    ['a status', (_request, response) => void response.writeHead(500).end()],
    ['a page', (_request, response) => void response.setHeader('content-type', 'text/html').end('<p>')],
    ['too much', (_request, response) => void response.end('x'.repeat(BYTES_MAX + 1))],
    ['too little', (_request, response) => void response.setHeader('content-length', '9').end('x')],
    ['a loop', (_request, response) => void response.writeHead(302, { location: '/list.txt?key=SECRET' }).end()],
    ['a way out', (_request, response) => void response.writeHead(302, { location: 'ftp://x/?key=SECRET' }).end()],
    ['nothing', (request) => void request.socket.destroy()],
  ])('%s: the failure does not show the key in the query of its URL', async (_what, handler) => {
    server.handler = handler;
    const outcome = await open(server.url('/list.txt?key=SECRET')).read({ validators: undefined, force: false });
    expect(outcome.kind).toBe('failed');
    expect(JSON.stringify(outcome)).toContain('/list.txt?…');
    expect(JSON.stringify(outcome)).not.toContain('SECRET');
  });

  test('a redirect loop costs no more than the limit', async () => {
    await readWith((_request, response) => void response.writeHead(302, { location: '/list.txt' }).end());
    expect(server.requests).toHaveLength(REDIRECTS_MAX + 1);
  });

  test('a header too long to be sent back is not kept', async () => {
    const outcome = await readWith((_request, response) => {
      response.setHeader('etag', `"${'e'.repeat(5000)}"`).end('bad.example\n');
    });
    expect(outcome).toMatchObject({ kind: 'content', validators: undefined });
  });

  test('closing the source ends a fetch under way', async () => {
    const reached = Promise.withResolvers<void>();
    server.handler = () => reached.resolve();
    const source = open();
    const outcome = source.read({ validators: undefined, force: false });
    await reached.promise;
    source.close();
    expect((await outcome).kind).toBe('failed');
  });
});

describe('when to ask again', () => {
  const hourMs = 3_600_000;
  test('after success: the interval, a tenth shorter or longer', () => {
    expect(nextWaitMs(hourMs, 0, 0, 0)).toBe(Math.round(hourMs * (1 - JITTER_SHARE)));
    expect(nextWaitMs(hourMs, 0, 0, 0.5)).toBe(hourMs);
    expect(nextWaitMs(hourMs, 0, 0, 1)).toBe(Math.round(hourMs * (1 + JITTER_SHARE)));
  });

  test('after failures: doubling, never beyond the interval', () => {
    const waits = [1, 2, 3, 60].map((failures) => nextWaitMs(hourMs, failures, 0, 0.5));
    expect(waits).toEqual([BACKOFF_FIRST_MS, BACKOFF_FIRST_MS * 2, BACKOFF_FIRST_MS * 4, hourMs]);
  });

  test('a server may ask for patience, but not for more than the interval', () => {
    expect(nextWaitMs(hourMs, 1, 60_000, 0.5)).toBe(60_000);
    expect(nextWaitMs(hourMs, 1, 1e12, 0.5)).toBe(hourMs);
  });

  test('an interval beyond what a timer can hold is cut down to it', () => {
    expect(nextWaitMs(1e12, 0, 0, 0.5)).toBeLessThan(2 ** 31);
  });
});

test.each([
  ['https://lists.example/x', undefined, true],
  ['http://lists.example/x', undefined, false],
  ['http://127.0.0.1/x', undefined, true],
  ['http://[::1]/x', undefined, true],
  ['http://127.0.0.1.lists.example/x', undefined, false],
  ['http://127.0.0.1/x', 'https://lists.example/', false],
  ['https://lists.example/x', 'http://127.0.0.1/', true],
  ['ftp://127.0.0.1/x', undefined, false],
])('%s (from %s) may be fetched: %s', (url, from, allowed) => {
  expect(isAllowedUrl(new URL(url), from === undefined ? undefined : new URL(from))).toBe(allowed);
});
