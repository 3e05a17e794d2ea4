/** DNS over TLS from outside: two threads on one port, resumption, a certificate renewed under load, limits, the end. */
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { EdnsOption } from '../../src/dns/iana.ts';
import { quietBetweenTests } from '../support/between-tests.ts';
import { ask, decoded, idOf, query, TcpClient } from '../support/dns-client.ts';
import { DotClient } from '../support/dot-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { fixture, fixturePath } from '../support/tls-fixture.ts';
import { newFolder, startWeirProcess, until, type WeirProcess } from '../support/weir-process.ts';
import { option } from '../support/wire.ts';

const CONNECTIONS_MAX = 30;
const IDLE_MS = 3_000;
const HOST = '127.0.0.1';
const FILES = {
  'list.txt': 'listed.example\n',
  'certificate.pem': fixture('server.pem'),
  'key.pem': fixture('server-key.pem'),
};

let weir: WeirProcess;
let upstream: FakeUpstream;

function config(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    listen: { do53: [`${HOST}:0`], dot: [`${HOST}:0`], admin: `${HOST}:0`, warningPageHttp: '' },
    workers: 2,
    upstreams: [upstream.url],
    upstreamQueries: { deadlineMs: 20_000, attemptTimeoutMs: 10_000 },
    lists: [{ name: 'list', source: 'list.txt' }],
    tls: {
      certificate: 'certificate.pem',
      key: 'key.pem',
      idleTimeoutMs: IDLE_MS,
      connectionsPerClientMax: CONNECTIONS_MAX,
    },
    ...fields,
  };
}

beforeAll(async () => {
  upstream = await startFakeUpstream();
  weir = await startWeirProcess({ files: FILES, config: config() });
});

quietBetweenTests(() => ({ weir, upstream }), 'weir_tls_connections');

const open = (options = {}): Promise<DotClient> => DotClient.open(weir.dotPort, HOST, options);

function replace(folder: string, server: string): void {
  for (const [name, source] of [
    ['key.pem', `${server}-key.pem`],
    ['certificate.pem', `${server}.pem`],
  ] as const) {
    copyFileSync(fixturePath(source), join(folder, `.${name}`));
    renameSync(join(folder, `.${name}`), join(folder, name));
  }
}

describe('queries', () => {
  test('are blocked and forwarded as over any transport, and counted under their own', async () => {
    const client = await open();
    const before = await weir.metric('weir_queries_total', 'transport="dot"');
    const blocked = decoded(await client.exchange(query('www.listed.example')));
    expect(blocked.answers.map(({ data }) => data)).toEqual(['192.0.2.53']);
    const forwarded = decoded(await client.exchange(query('other.example')));
    expect(forwarded.answers.map(({ data }) => data)).toEqual(['192.0.2.1']);
    expect(await weir.metric('weir_queries_total', 'transport="dot"')).toBe(before + 2);
    expect(await weir.metric('weir_tls_connections', 'transport="dot"')).toBe(1);
  });

  test('of one connection are answered in the order that answers are ready', async () => {
    let held: FakeQuery | undefined;
    upstream.answerWith((asked) => {
      if (asked.name !== 'slow.example') return respond(asked);
      held = asked;
      return undefined;
    });
    const client = await open();
    const slow = query('slow.example');
    client.send(slow);
    await client.exchange(query('quick.example'));
    expect(client.received).toHaveLength(1);
    held!.reply(respond(held!));
    await client.responseTo(slow);
  });

  test.each(['www.listed.example', 'late.example', 'localhost'])(
    'with padding get their answer padded, early or late: %s',
    async (name) => {
      const client = await open();
      const padded = query(name, 1, { options: [option(EdnsOption.PADDING, new Uint8Array(60))] });
      const response = await client.exchange(padded);
      expect(response.length % 468).toBe(0);
      expect(decoded(response).edns?.options.at(-1)?.code).toBe(EdnsOption.PADDING);
      const plain = await client.exchange(query(name));
      expect(decoded(plain).edns?.options.map(({ code }) => code)).not.toContain(EdnsOption.PADDING);
      const inTheClear = await ask({ port: weir.port, transport: 'tcp' }, name, 1, {
        options: [option(EdnsOption.PADDING, new Uint8Array(60))],
      });
      expect(inTheClear.edns?.options.map(({ code }) => code)).not.toContain(EdnsOption.PADDING);
    },
  );

  test('that ask for it are told how long an idle connection is kept', async () => {
    const client = await open();
    const asked = query('www.listed.example', 1, { options: [option(EdnsOption.KEEPALIVE, new Uint8Array(0))] });
    const { edns } = decoded(await client.exchange(asked));
    const told = edns?.options.find(({ code }) => code === EdnsOption.KEEPALIVE)?.data;
    expect(told).toEqual(Uint8Array.of(0, IDLE_MS / 100));
    await client.closed();
  });
});

describe('sessions', () => {
  test('are resumed, whichever thread they come to', async () => {
    const first = await open();
    await first.exchange(query('www.listed.example'));
    const session = await first.session();
    const before = await weir.metric('weir_tls_handshakes_total', 'transport="dot"', 'result="full"');
    const clients = await Promise.all(Array.from({ length: 20 }, async () => open({ session })));
    expect(clients.every(({ tls }) => tls.isSessionReused())).toBe(true);
    await Promise.all(clients.map((client) => client.exchange(query('www.listed.example'))));
    expect(await weir.metric('weir_tls_handshakes_total', 'transport="dot"', 'result="full"')).toBe(before);
  });

  test('beyond the limit for one client are refused and counted, half-open ones included', async () => {
    const clients = await Promise.all(
      Array.from({ length: 2 * CONNECTIONS_MAX }, async () => TcpClient.open(weir.dotPort)),
    );
    // Why by threads: each counts its own, and the kernel chooses which gets a connection.
    const more = await Promise.all(
      Array.from({ length: 2 * CONNECTIONS_MAX }, async () => TcpClient.open(weir.dotPort)),
    );
    await weir.untilMetric(
      (count) => count >= 2 * CONNECTIONS_MAX,
      'weir_tls_connections_rejected_total',
      'transport="dot"',
    );
    expect(await weir.metric('weir_tls_connections', 'transport="dot"')).toBeLessThanOrEqual(2 * CONNECTIONS_MAX);
    for (const client of [...clients, ...more]) client.close();
  });
});

describe('the certificate', () => {
  test('is renewed under load without a query lost, and a bad one is not taken', async () => {
    const { fingerprint256: old } = (await open()).tls.getPeerCertificate();
    const clients = await Promise.all(Array.from({ length: 4 }, async () => open()));
    const sent = clients.map((): Uint8Array[] => []);
    let opened = 0;
    const load = setInterval(() => {
      for (const [index, client] of clients.entries()) {
        const message = query(`n${sent[index]!.length}.example`);
        sent[index]!.push(message);
        client.send(message);
      }
    }, 5);
    const isNew = async (): Promise<boolean> => {
      const client = await open();
      opened++;
      await client.exchange(query('www.listed.example'));
      const { fingerprint256 } = client.tls.getPeerCertificate();
      client.close();
      return fingerprint256 !== old;
    };
    replace(weir.folder, 'server-2');
    await weir.untilMetric((count) => count >= 1, 'weir_tls_certificate_reloads_total', 'result="ok"');
    await until(isNew, (value) => value, 'new connections see the new certificate');
    // Both threads.
    for (let count = 0; count < 10; count++) expect(await isNew()).toBe(true);
    const good = fixture('server-2.pem');
    weir.write('certificate.pem', fixture('server.pem'));
    await weir.untilMetric((count) => count === 1, 'weir_tls_certificate_reloads_total', 'result="refused"');
    expect(await isNew()).toBe(true);
    expect((await weir.log(({ msg }) => msg.includes('certificate is refused')))['problem']).toMatch(
      /not the private key/,
    );
    weir.write('certificate.pem', good);
    clearInterval(load);
    for (const [index, client] of clients.entries()) {
      expect(client.isClosed).toBe(false);
      await until(
        () => client.received.length,
        (count) => count === sent[index]!.length,
        'every query is answered',
      );
      const ids = new Set(client.received.map(idOf));
      expect(sent[index]!.every((message) => ids.has(idOf(message)))).toBe(true);
    }
    expect(opened).toBeGreaterThan(10);
    expect(await weir.metric('weir_tls_certificate_expiry_timestamp_seconds')).toBeGreaterThan(4_900_000_000);
  });

  test('that is there only after the start opens the listeners on every thread, without a reload', async () => {
    // Why a recursor: it is started between the check of the configuration and the reading of the certificate.
    const folder = newFolder();
    const program = join(folder, 'unbound');
    const fake = join(PROJECT_ROOT, 'test/support/fake-recursor.mjs');
    const late = join(folder, 'late.pem');
    const script = `#!/bin/sh\nmv "${join(folder, 'certificate.pem')}" "${late}"\nexec "${process.execPath}" "${fake}" "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    // An address of its own, so that a port that is ours elsewhere is free on it.
    const port = upstream.port;
    const listen = { do53: [`${HOST}:0`], dot: [`127.0.0.9:${port}`], admin: `${HOST}:0`, warningPageHttp: '' };
    const other = await startWeirProcess({
      folder,
      files: FILES,
      config: config({ listen, upstreams: ['recursive'], recursion: { program } }),
    });
    await expect(DotClient.open(port, '127.0.0.9')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    renameSync(late, join(folder, 'certificate.pem'));
    const client = await until(
      () => DotClient.open(port, '127.0.0.9').catch(() => undefined),
      (value) => value !== undefined,
      'the listener',
    );
    await client!.exchange(query('www.listed.example'));
    const listeners = async (): Promise<number> => {
      const table = await readFile('/proc/net/tcp', 'utf8');
      // 127.0.0.9, in the order of this machine; 0A: listens.
      const row = `0900007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
      return table.split('\n').filter((line) => line.includes(row)).length;
    };
    await until(listeners, (count) => count === 2, 'both threads listen');
    await other.stop();
  });
});

describe('a reload of the configuration', () => {
  test('adds and removes listeners; a connection of one that goes is ended', async () => {
    const other = await startWeirProcess({
      files: FILES,
      config: { ...config(), listen: { do53: [`${HOST}:0`], admin: `${HOST}:0`, warningPageHttp: '' } },
    });
    expect(other.dotPort).toBe(0);
    const { port } = other;
    // The port of Do53 over TCP is taken, the same of another address is not.
    const added = `127.0.0.9:${port}`;
    other.writeConfig(config(), { dot: [added], doh: [] });
    other.program.signal('SIGHUP');
    const client = await until(
      () => DotClient.open(port, '127.0.0.9').catch(() => undefined),
      (value) => value !== undefined,
      'the new listener',
    );
    await client!.exchange(query('www.listed.example'));
    other.writeConfig(config(), { dot: [], doh: [] });
    other.program.signal('SIGHUP');
    await client!.closed();
    await until(
      () =>
        DotClient.open(port, '127.0.0.9').then(
          () => 'open',
          ({ code }: NodeJS.ErrnoException) => code,
        ),
      (value) => value === 'ECONNREFUSED',
      'nothing listens there',
    );
    await other.stop();
  });
});

describe('at the end', () => {
  test('what is under way is answered, and sessions are ended with a word', async () => {
    const other = await startWeirProcess({ files: FILES, config: config() });
    let held: FakeQuery | undefined;
    upstream.answerWith((asked) => {
      held = asked;
      return undefined;
    });
    const client = await DotClient.open(other.dotPort, HOST);
    let ended = false;
    client.socket.on('end', () => (ended = true));
    const message = query('slow.example');
    client.send(message);
    await until(
      () => held,
      (asked) => asked !== undefined,
      'the upstream is asked',
    );
    other.program.signal('SIGTERM');
    await other.log(({ msg }) => msg.startsWith('stopping'));
    held!.reply(respond(held!));
    await client.responseTo(message);
    await client.closed();
    expect(ended).toBe(true);
    expect((await other.program.ended()).code).toBe(0);
  });
});
