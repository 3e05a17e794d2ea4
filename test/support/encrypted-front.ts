/**
 * TLS or HTTPS in front of a fake upstream: what comes by it is handed to the fake's TCP port, so that its scripts, its
 * record of queries and its lies serve for encrypted upstreams too. Certificates are those of test/fixtures/tls.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import type { FakeUpstream } from './fake-upstream.ts';
import { PROJECT_ROOT } from './source-files.ts';

export const TEST_TLS = join(PROJECT_ROOT, 'test/fixtures/tls');
export const TEST_CA = readFileSync(join(TEST_TLS, 'ca.pem'), 'utf8');
/** In the certificate. */
export const TEST_SERVER_NAME = 'dns.example.test';

export interface EncryptedFront {
  readonly host: string;
  readonly port: number;
  /** One for each TLS connection: whether it resumed a session. */
  readonly resumed: readonly boolean[];
  /** Of HTTPS requests. */
  readonly requests: readonly { readonly path: string; readonly contentType: string; readonly bodyBytes: number }[];
  /** The status that HTTPS requests get from now on. */
  answerWithStatus(status: number): void;
  breakConnections(): void;
  stop(): Promise<void>;
}

export interface FrontOptions {
  /** Name of a certificate in test/fixtures/tls. */
  readonly certificate?: string;
}

export async function startTlsFront(upstream: FakeUpstream, options: FrontOptions = {}): Promise<EncryptedFront> {
  const resumed: boolean[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer({ ...credentials(options), ALPNProtocols: ['dot'] }, (socket) => {
    resumed.push(socket.isSessionReused());
    sockets.add(socket);
    const behind = connect(upstream.port, upstream.host);
    socket.on('close', () => behind.destroy());
    behind.on('close', () => socket.destroy());
    for (const side of [socket, behind]) side.on('error', () => undefined);
    socket.pipe(behind).pipe(socket);
  });
  const address = await listen(server);
  return { ...front(address, resumed, [], sockets, server), answerWithStatus: () => undefined };
}

export async function startHttpsFront(upstream: FakeUpstream, options: FrontOptions = {}): Promise<EncryptedFront> {
  const resumed: boolean[] = [];
  const sockets = new Set<TLSSocket>();
  const requests: { path: string; contentType: string; bodyBytes: number }[] = [];
  let status = 200;
  const server = createSecureServer({ ...credentials(options), allowHTTP1: false });
  server.on('secureConnection', (socket: TLSSocket) => {
    resumed.push(socket.isSessionReused());
    sockets.add(socket);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const body = Buffer.concat(chunks);
      requests.push({
        path: String(headers[':path']),
        contentType: String(headers['content-type']),
        bodyBytes: body.length,
      });
      if (status === 200) relay(upstream, body, stream);
      else {
        stream.respond({ ':status': status, 'content-type': 'text/plain' });
        stream.end('no');
      }
    });
  });
  const address = await listen(server);
  return {
    ...front(address, resumed, requests, sockets, server),
    answerWithStatus: (next) => {
      status = next;
    },
  };
}

/** One query over a TCP connection of its own, its response over the stream. */
function relay(upstream: FakeUpstream, query: Buffer, stream: ServerHttp2Stream): void {
  const behind = connect(upstream.port, upstream.host);
  behind.on('error', () => stream.close());
  stream.on('close', () => behind.destroy());
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  behind.write(Buffer.concat([length, query]));
  let held = Buffer.alloc(0);
  behind.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    if (held.length < 2 || held.length < 2 + held.readUInt16BE() || stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'application/dns-message' });
    stream.end(held.subarray(2));
    behind.end();
  });
}

function credentials({ certificate = 'server' }: FrontOptions): { cert: Buffer; key: Buffer } {
  return {
    cert: readFileSync(join(TEST_TLS, `${certificate}.pem`)),
    key: readFileSync(join(TEST_TLS, `${certificate}-key.pem`)),
  };
}

interface Stoppable {
  listen(port: number, host: string): unknown;
  close(done: () => void): unknown;
  address(): AddressInfo | string | null;
}

async function listen(server: Stoppable & NodeJS.EventEmitter): Promise<AddressInfo> {
  server.on('tlsClientError', () => undefined);
  server.on('sessionError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address() as AddressInfo;
}

function front(
  { port }: AddressInfo,
  resumed: readonly boolean[],
  requests: EncryptedFront['requests'],
  sockets: ReadonlySet<Socket>,
  server: Stoppable,
): Omit<EncryptedFront, 'answerWithStatus'> {
  const breakConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: '127.0.0.1',
    port,
    resumed,
    requests,
    breakConnections,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(resolve));
      breakConnections();
      await closed;
    },
  };
}
