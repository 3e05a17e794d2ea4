/** The readers of the warning page count whole pages for the name asked, and nothing else. */
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coresOf, findProgram } from '../../../bench/machine.ts';
import { compilePageViews, readPageReport, runPageLoad } from '../../../bench/page-load.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const VIEWS = 40;

function show(response: ServerResponse, status: number, name = ''): void {
  const body = `<p class="host">${name}</p></html>`;
  response.writeHead(status, { 'content-length': body.length }).end(body);
}

describe.skipIf(findProgram('cc') === undefined || findProgram('taskset') === undefined)(
  'readers (skipped without a C compiler and taskset)',
  () => {
    async function read(answer: (request: IncomingMessage, response: ServerResponse) => void, viewsPerConnection = 1) {
      const folder = temporaryFolder('page-load');
      const namesFile = join(folder, 'names.txt');
      writeFileSync(namesFile, 'www.a.example\nwww.b.example\n');
      const clients = new Set<string>();
      let connections = 0;
      const server = createServer(answer).on('connection', ({ remoteAddress }) => {
        connections += 1;
        clients.add(remoteAddress ?? '');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const bound = server.address();
      const { port } = typeof bound === 'object' && bound !== null ? bound : { port: 0 };
      const load = { program: compilePageViews(folder), port, namesFile, seconds: 0.2, viewsPerSecond: VIEWS / 0.2 };
      const report = await runPageLoad({ ...load, viewsPerConnection, cores: coresOf().all });
      server.close();
      return { report, clients: clients.size, connections };
    }

    it.each([1, 10])(
      'each have an address of their own, and open %i pages by a connection',
      async (viewsPerConnection) => {
        const { report, clients, connections } = await read(
          (request, response) => show(response, 451, request.headers.host),
          viewsPerConnection,
        );
        expect(report).toMatchObject({ views: VIEWS, failed: 0 });
        expect(clients).toBe(connections);
        if (viewsPerConnection === 1) expect(connections).toBe(VIEWS);
        else expect(connections).toBeLessThan(VIEWS);
      },
    );

    it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
      ['is about another name', (_request, response) => show(response, 451, 'other.example')],
      ['has another status', (request, response) => show(response, 404, request.headers.host)],
      [
        'ends early',
        (request, response) => {
          const text = `>${request.headers.host}</p></html>`;
          response.writeHead(451, { 'content-length': 10_000 });
          response.write(text, () => response.destroy());
        },
      ],
      ['is a connection that is closed', (request) => void request.socket.destroy()],
    ])('do not count what %s', async (_what, answer) => {
      const { report } = await read(answer);
      expect(report).toMatchObject({ views: 0, failed: VIEWS });
    });
  },
);

describe('their report', () => {
  it('is read, with what a view has cost them', () => {
    expect(readPageReport('2000 1 900 4000 9000 80000\n', 2)).toEqual({
      views: 2000,
      failed: 1,
      viewsPerSecond: 1000,
      p50Us: 900,
      p99Us: 4000,
      maxUs: 9000,
      readerCpuUs: 40,
    });
  });

  it('is missed where there is none', () => {
    expect(() => readPageReport('taskset: failed\n', 2)).toThrow('taskset: failed');
  });
});
