import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip, createZstdCompress, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DECOMPRESSED_BYTES_MAX } from '../../../../src/control-plane/list-sync/format/read-list-file.ts';
import { HostileHttpServer, type Handler } from '../../../support/hostile-http-server.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;
let server: HostileHttpServer;

beforeEach(async () => {
  harness = await SyncHarness.create();
  server = await HostileHttpServer.start();
});
afterEach(async () => {
  await harness.remove();
  await server.close();
});

describe('a list behind a URL', () => {
  test('does not hold up the start: the other lists are in force, and it is as soon as it has come', async () => {
    const answer = Promise.withResolvers<void>();
    server.handler = (_request, response) => void answer.promise.then(() => response.end('remote.example\n'));
    const local = await harness.file('a.txt', 'local.example\n');
    const sync = await harness.start(
      testConfig(harness.folder, [
        { name: 'local', source: local },
        { name: 'remote', source: server.url() },
      ]),
    );
    expect(harness.verdict('local.example')).toBe('blocked by local');
    expect(sync.readiness().ready).toBe(false);
    answer.resolve();
    await harness.until(() => harness.status('remote')?.version === 1);
    expect(harness.verdict('remote.example')).toBe('blocked by remote');
    expect(sync.readiness().ready).toBe(true);
  });

  test('that fails the first time is shown, and the process is ready all the same', async () => {
    server.handler = (_request, response) => void response.writeHead(503).end();
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'remote', source: server.url() }]));
    await harness.until(() => harness.status('remote')?.failure?.reason === 'httpStatus');
    expect(sync.readiness()).toMatchObject({ ready: true, lists: [{ version: 0, attempted: true }] });
  });

  test.each(['reload', 'restart'] as const)('is read anew when its format changes: %s', async (how) => {
    server.handler = (request, response) => {
      const isKnown = request.headers['if-none-match'] === '"same"';
      response.writeHead(isKnown ? 304 : 200, { etag: '"same"' });
      response.end(isKnown ? '' : 'old,new\na.old.example,a.new.example\nb.old.example,b.new.example\n');
    };
    const configOf = (format: string) => testConfig(harness.folder, [{ name: 'remote', source: server.url(), format }]);
    const sync = await harness.start(configOf('csv:old'));
    await harness.until(() => harness.status('remote')?.version === 1);
    expect(harness.verdict('a.old.example')).toBe('blocked by remote');
    if (how === 'reload') await sync.reload(configOf('csv:new'));
    else {
      await vi.waitFor(() => stat(join(harness.folder, 'state', 'lists', 'remote.segment')), { timeout: 20_000 });
      await harness.close();
      await harness.start(configOf('csv:new'));
    }
    await harness.until(() => harness.status('remote')?.version === 2);
    expect(harness.verdict('a.old.example')).toBe('allowed');
    expect(harness.verdict('a.new.example')).toBe('blocked by remote');
  });

  test('that is refused is named without the key in the query of its URL', async () => {
    server.handler = (_request, response) => void response.end('$0/\n$1/\n');
    const source = server.url('/list.txt?key=SECRET');
    await harness.start(testConfig(harness.folder, [{ name: 'remote', source }]));
    await harness.until(() => harness.status('remote')?.failure?.reason === 'nothingUsable');
    expect(harness.status('remote')?.failure?.message).toContain('/list.txt?…: none of its 2 lines');
    expect(harness.logged.join('\n')).not.toContain('SECRET');
  });

  test('is asked for again with what the server said, and keeps its version on 304 and on a bad answer', async () => {
    const answers: ((etag: string | undefined) => { status: number; type: string; body: string })[] = [
      () => ({ status: 200, type: 'text/plain', body: 'one.example\n' }),
      (etag) => ({ status: etag === '"same"' ? 304 : 500, type: 'text/plain', body: '' }),
      () => ({ status: 200, type: 'text/html', body: '<html>' }),
      () => ({ status: 200, type: 'text/plain', body: 'two.example\n' }),
    ];
    server.handler = (request, response) => {
      const { status, type, body } = answers.shift()?.(request.headers['if-none-match']) ?? {
        status: 304,
        type: '',
        body: '',
      };
      response.writeHead(status, { etag: '"same"', 'content-type': type }).end(body);
    };
    await harness.start(testConfig(harness.folder, [{ name: 'remote', source: server.url(), refreshSeconds: 1 }]));
    await harness.until(() => harness.status('remote')?.version === 1);
    await harness.until(() => harness.status('remote')?.failure?.reason === 'html');
    expect(answers).toHaveLength(1);
    expect(harness.verdict('one.example')).toBe('blocked by remote');
    await harness.until(() => harness.status('remote')?.version === 2);
    expect(harness.status('remote')?.failure).toBeUndefined();
    expect(harness.verdict('two.example')).toBe('blocked by remote');
  });
});

describe('the last good version stays, and the status says why, where the server then', () => {
  const packed = gzipSync(Buffer.alloc(1024 * 1024, 'bad.example\n'));
  const page = '<!doctype html><html><body>bad.example</body></html>';
  test.each<[string, string, Handler]>([
    ['sends half a gzip', 'truncated', (_request, response) => void response.end(packed.subarray(0, 500))],
    ['says that a page is text', 'html', (_request, response) => void response.end(page)],
    ['sends nothing', 'empty', (_request, response) => void response.end()],
    ['sends what is no list', 'nothingUsable', (_request, response) => void response.end('$0/\n'.repeat(5000))],
  ])('%s', async (_what, reason, handler) => {
    server.handler = (_request, response) => void response.end('good-block.example\n');
    const config = testConfig(harness.folder, [{ name: 'remote', source: server.url(), refreshSeconds: 0.02 }]);
    await harness.start(config);
    await harness.until(() => harness.status('remote')?.version === 1);
    server.handler = handler;
    await harness.until(() => harness.status('remote')?.failure !== undefined);
    expect(harness.status('remote')?.failure?.reason).toBe(reason);
    expect(harness.verdict('good-block.example')).toBe('blocked by remote');
    expect(harness.verdict('bad.example')).toBe('allowed');
  });
});

/** Ones over a gigabyte are made in pieces: a gigabyte at once would hide what reading takes. */
function bomb(compressor: NodeJS.ReadWriteStream): Promise<Buffer> {
  const piece = Buffer.alloc(1024 * 1024, `${'#'.repeat(4095)}\n`);
  const pieces = DECOMPRESSED_BYTES_MAX / piece.length + 1;
  return buffer(Readable.from(Array.from({ length: pieces }, () => piece)).pipe(compressor));
}

test.each([
  ['gzip', () => createGzip({ level: 1 })],
  ['zstd', () => createZstdCompress()],
])(
  'a bomb of %s is refused in little memory, and the last good version stays',
  { timeout: 120_000 },
  async (_, compressor) => {
    server.handler = (_request, response) => void response.end('good-block.example\n');
    const bytesMax = 16 * 1024 * 1024;
    const list = { name: 'remote', source: server.url(), refreshSeconds: 0.2, bytesMax, fetchTimeoutMs: 60_000 };
    await harness.start(testConfig(harness.folder, [list]));
    await harness.until(() => harness.status('remote')?.version === 1);
    const packed = await bomb(compressor());
    expect(packed.length).toBeLessThan(bytesMax);
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
    server.handler = (_request, response) => void response.end(packed);
    await harness.until(() => harness.status('remote')?.failure !== undefined);
    clearInterval(watch);
    expect(harness.status('remote')?.failure).toMatchObject({ reason: 'tooLarge' });
    expect(harness.verdict('good-block.example')).toBe('blocked by remote');
    expect(most - before).toBeLessThan(DECOMPRESSED_BYTES_MAX / 4);
  },
);
