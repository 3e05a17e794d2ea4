/** An upgrade: a second process takes the ports of the first, and no client notices. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ask, closeClients, decoded, query, QueryLoad, TcpClient, UdpClient } from '../support/dns-client.ts';
import { DotClient } from '../support/dot-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { maintainerOf } from '../support/maintainer.ts';
import { fixture } from '../support/tls-fixture.ts';
import { hostAndPort, startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
/** For three starts of the process on a machine that is busy. */
vi.setConfig({ testTimeout: 120_000 });
let upstream: FakeUpstream;
let workers: number;

beforeEach(async () => {
  upstream = await startFakeUpstream();
  workers = 2;
});

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
  await upstream.stop();
});

function start(folder?: string): Promise<WeirProcess> {
  return startWeirProcess({
    hasPage: true,
    files: { 'list.txt': 'listed.example\n' },
    config: {
      workers,
      upstreams: [upstream.url],
      upstreamQueries: { deadlineMs: 20_000, attemptTimeoutMs: 20_000 },
      lists: [{ name: 'list', source: 'list.txt' }],
    },
    ...(folder === undefined ? {} : { folder }),
  });
}

/** Starts a process on the ports and the state directory of another. */
async function startBeside(first: WeirProcess, args = ['--take-over'], changes = {}): Promise<WeirProcess> {
  const bound = (url: string): string => new URL(url).host;
  return startWeirProcess({
    folder: first.folder,
    args,
    config: {
      listen: {
        do53: first.do53.map(hostAndPort),
        admin: bound(first.adminUrl),
        warningPageHttp: bound(first.pageUrl),
      },
      workers,
      upstreams: [upstream.url],
      upstreamQueries: { deadlineMs: 20_000, attemptTimeoutMs: 20_000 },
      lists: [{ name: 'list', source: 'list.txt' }],
      ...changes,
    },
  });
}

const names = (index: number): string => (index % 2 ? 'listed.example' : `fresh${index}.example`);

/** New connections one after the other, a query on each: the queries that got no answer. */
class ConnectionLoad {
  readonly failures: string[] = [];
  made = 0;
  #isStopping = false;
  readonly #done: Promise<void>;

  constructor(connectAndAsk: () => Promise<unknown>) {
    this.#done = this.#run(connectAndAsk);
  }

  async #run(connectAndAsk: () => Promise<unknown>): Promise<void> {
    while (!this.#isStopping) {
      this.made++;
      await connectAndAsk().catch((error: unknown) => this.failures.push(String(error)));
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#done;
  }
}

describe('weir serve --take-over', () => {
  test('loses no query over UDP and no connection over TCP, and the one before ends with 0', async () => {
    let current = await start();
    const load = await Promise.all(Array.from({ length: 4 }, () => QueryLoad.start(current.port, 1, names)));
    const { port } = current;
    const connections = new ConnectionLoad(async () => ask({ port, transport: 'tcp' }, 'listed.example'));
    for (let upgrade = 0; upgrade < 2; upgrade++) {
      const next = await startBeside(current);
      expect(await current.program.ended()).toMatchObject({ code: 0, signal: null });
      expect(current.logs().filter(({ level }) => level === 'error')).toEqual([]);
      current = next;
    }
    await connections.stop();
    for (const each of load) {
      expect(await each.stop()).toEqual([]);
      expect([...each.rcodes.keys()]).toEqual([0]);
      expect(each.sent).toBeGreaterThan(100);
    }
    expect(connections.failures).toEqual([]);
    expect(connections.made).toBeGreaterThan(100);
    expect((await fetch(`${current.adminUrl}/readyz`)).status).toBe(200);
    expect(current.logs().filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('answers what is in flight, by the process that was asked', async () => {
    const first = await start();
    const held: FakeQuery[] = [];
    upstream.answerWith((asked) => void held.push(asked));
    const clients = await Promise.all(Array.from({ length: 8 }, () => UdpClient.open(first.port)));
    const messages = clients.map((_, index) => query(`held${index}.example`));
    for (const [index, client] of clients.entries()) client.send(messages[index]!);
    await upstream.received(8);
    const next = await startBeside(first);
    await first.log(({ msg }) => msg.startsWith('stopping'));
    for (const asked of held) asked.reply(respond(asked));
    for (const [index, client] of clients.entries())
      expect(decoded(await client.responseTo(messages[index]!)).answers).toHaveLength(1);
    expect((await first.program.ended()).code).toBe(0);
    upstream.answerWith((asked) => respond(asked));
    expect((await ask({ port: next.port }, 'new.example')).rcode).toBe(0);
  });

  test('binds nothing anew while it leaves, whatever it is told to reread', async () => {
    const first = await start();
    const held: FakeQuery[] = [];
    upstream.answerWith((asked) => void held.push(asked));
    const client = await UdpClient.open(first.port);
    const message = query('held.example');
    client.send(message);
    await upstream.received(1);
    await startBeside(first);
    await first.log(({ msg }) => msg.startsWith('stopping'));
    // The successor has read its configuration, which is in the same file.
    const more = { host: '127.0.0.9', port: first.port };
    first.writeConfig(
      { workers, upstreams: [upstream.url], lists: [] },
      { do53: [...first.do53, more].map(hostAndPort), admin: '', warningPageHttp: '' },
    );
    first.program.signal('SIGHUP');
    await first.log(({ msg }) => msg.includes('this Weir is stopping'));
    await expect(TcpClient.open(more.port, more.host)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    for (const asked of held) asked.reply(respond(asked));
    expect(decoded(await client.responseTo(message)).answers).toHaveLength(1);
    expect((await first.program.ended()).code).toBe(0);
  });

  test('hands over the ledger: what was pushed before is in force, and pushes go on at the next version', async () => {
    const lists = [{ name: 'desk', source: 'push' }];
    const first = await startWeirProcess({ hasPage: true, config: { workers, upstreams: [upstream.url], lists } });
    const desk = maintainerOf(first);
    expect(await desk.push('desk', ['before.example'])).toMatchObject({ version: 1 });
    const next = await startBeside(first, ['--take-over'], { lists });
    expect((await first.program.ended()).code).toBe(0);
    expect((await ask({ port: next.port }, 'before.example')).answers[0]?.data).toBe(SINKHOLE);
    expect(await desk.push('desk', ['after.example'])).toMatchObject({ version: 2 });
    for (let i = 0; i < 8; i++)
      expect((await ask({ port: next.port }, 'after.example')).answers[0]?.data).toBe(SINKHOLE);
  });

  test('over TLS too: new connections find either, and what is open is ended with a word', async () => {
    const tls = { certificate: 'certificate.pem', key: 'key.pem' };
    const lists = [{ name: 'list', source: 'list.txt' }];
    const host = '127.0.0.1:0';
    const listen = { do53: [host], dot: [host], admin: host, warningPageHttp: host };
    const first = await startWeirProcess({
      files: {
        'list.txt': 'listed.example\n',
        'certificate.pem': fixture('server.pem'),
        'key.pem': fixture('server-key.pem'),
      },
      config: { listen, workers, upstreams: [upstream.url], lists, tls },
    });
    const port = first.dotPort;
    const open = await DotClient.open(port);
    await open.exchange(query('listed.example'));
    const connections = new ConnectionLoad(async () => {
      const client = await DotClient.open(port);
      await client.exchange(query('listed.example'));
      client.close();
    });
    const next = await startBeside(first, ['--take-over'], {
      listen: {
        do53: first.do53.map(hostAndPort),
        dot: [`127.0.0.1:${port}`],
        admin: new URL(first.adminUrl).host,
        warningPageHttp: new URL(first.pageUrl).host,
      },
      tls,
    });
    await open.closed();
    expect((await first.program.ended()).code).toBe(0);
    await connections.stop();
    expect(connections.failures).toEqual([]);
    expect(connections.made).toBeGreaterThan(20);
    expect(next.dotPort).toBe(port);
  });

  test('closes idle connections properly', async () => {
    const first = await start();
    const client = await TcpClient.open(first.port);
    await client.exchange(query('listed.example'));
    await startBeside(first);
    await client.closed();
    expect((await first.program.ended()).code).toBe(0);
  });

  test('without a Weir to succeed it starts as ever, also where one was killed', async () => {
    const first = await start();
    first.program.signal('SIGKILL');
    await first.program.ended();
    const next = await startBeside(first);
    expect((await ask({ port: next.port }, 'listed.example')).answers[0]?.data).toBe(SINKHOLE);
  });
});

describe('a successor that fails', () => {
  test('before it has the ports: the one that runs goes on, metrics, page and lists included', async () => {
    const first = await start();
    const failed = startBeside(first, ['--take-over'], {
      listen: {
        do53: first.do53.map(hostAndPort),
        // Another program's port.
        admin: `127.0.0.1:${upstream.port}`,
        warningPageHttp: '',
      },
    });
    await expect(failed).rejects.toThrow('cannot listen on');
    await first.log(({ msg }) => msg.includes('this one goes on'));
    await until(
      () =>
        fetch(`${first.adminUrl}/readyz`).then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
      'the admin listener is back',
    );
    writeFileSync(join(first.folder, 'list.txt'), 'listed.example\nlater.example\n');
    await until(
      async () => (await ask({ port: first.port }, 'later.example')).answers[0]?.data,
      (address) => address === SINKHOLE,
      'a change of the list is in force',
    );
    const next = await startBeside(first);
    expect((await first.program.ended()).code).toBe(0);
    expect((await ask({ port: next.port }, 'later.example')).answers[0]?.data).toBe(SINKHOLE);
  });
});

describe('the socket in the state directory', () => {
  const socketOf = ({ folder }: WeirProcess): string => join(folder, 'state', 'weir.sock');

  test('is for its owner alone, and gone after the end', async () => {
    const weir = await start();
    await until(
      () => existsSync(socketOf(weir)),
      (isThere) => isThere,
      'the socket',
    );
    expect(statSync(socketOf(weir)).mode & 0o777).toBe(0o600);
    await weir.stop();
    expect(existsSync(socketOf(weir))).toBe(false);
  });

  test('hears no nonsense: words that are none, lines without an end, an order out of turn', async () => {
    const weir = await start();
    for (const words of ['leave\n', 'x'.repeat(1000), '\n\n\nstop\nquit\n']) {
      const socket = connect(socketOf(weir));
      socket.on('error', () => undefined);
      await new Promise<void>((resolve) => void socket.end(words, resolve));
      await new Promise<void>((resolve) => void socket.resume().once('close', () => resolve()));
    }
    expect((await ask({ port: weir.port }, 'listed.example')).answers[0]?.data).toBe(SINKHOLE);
    expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(200);
  });
});

test('without --take-over a second Weir on the same ports is refused, on the page’s port too', async () => {
  const first = await start();
  const stateDirectory = './other';
  await expect(startBeside(first, [], { stateDirectory })).rejects.toThrow('another program has that port');
  const listen = { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: new URL(first.pageUrl).host };
  await expect(startBeside(first, [], { stateDirectory, listen })).rejects.toThrow('change listen.warningPageHttp');
  expect((await ask({ port: first.port }, 'listed.example')).answers[0]?.data).toBe(SINKHOLE);
});

test('without --take-over a second Weir on the same state directory is refused, whatever its ports', async () => {
  const first = await start();
  const listen = { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' };
  await expect(startBeside(first, [], { listen })).rejects.toThrow(
    /another Weir runs on .*state: succeed it with --take-over/,
  );
  expect((await ask({ port: first.port }, 'listed.example')).answers[0]?.data).toBe(SINKHOLE);
  // The one that runs has not taken the visitor for its successor.
  const next = await startBeside(first);
  expect((await first.program.ended()).code).toBe(0);
  expect((await ask({ port: next.port }, 'listed.example')).answers[0]?.data).toBe(SINKHOLE);
});
