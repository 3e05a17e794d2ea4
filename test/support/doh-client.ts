/**
 * Clients of DNS over HTTPS for tests: one HTTP/2 session that posts messages and keeps what comes back, and single
 * requests with any method, path and fields over HTTP/2 or HTTP/1.1.
 */
import { once } from 'node:events';
import { request as https } from 'node:https';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { keepOpen } from './dns-client.ts';
import { idOf } from './dns-client.ts';
import { CLIENT_TLS } from './tls-fixture.ts';
import { until } from './weir-process.ts';

export const DNS_MESSAGE = 'application/dns-message';

export interface DohResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

export interface DohRequestFields {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array;
}

export class DohClient {
  readonly received: Uint8Array[] = [];
  readonly session: ClientHttp2Session;

  constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on('error', () => undefined);
    keepOpen(this);
  }

  get isClosed(): boolean {
    return this.session.closed || this.session.destroyed;
  }

  static async open(port: number, host = '127.0.0.1'): Promise<DohClient> {
    const authority = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    const session = connect(authority, CLIENT_TLS);
    await once(session, 'remoteSettings');
    return new DohClient(session);
  }

  /** Posts a message; its response, where one comes, goes to `received`. */
  send(message: Uint8Array): void {
    this.request({ method: 'POST', headers: { 'content-type': DNS_MESSAGE }, body: message }).then(
      ({ status, body }) => {
        if (status === 200) this.received.push(Uint8Array.from(body));
      },
      () => undefined,
    );
  }

  async exchange(message: Uint8Array): Promise<Uint8Array> {
    this.send(message);
    return this.responseTo(message);
  }

  async responseTo(message: Uint8Array): Promise<Uint8Array> {
    const find = (): Uint8Array | undefined => this.received.find((response) => idOf(response) === idOf(message));
    return (await until(find, (response) => response !== undefined, `response to ${idOf(message)} over HTTPS`))!;
  }

  /** Errors: rejects when the stream is reset, or the session ends. */
  request({ method = 'GET', path = '/dns-query', headers = {}, body }: DohRequestFields): Promise<DohResponse> {
    return new Promise((resolve, reject) => {
      const stream = this.session.request({ ':method': method, ':path': path, ...headers }, { endStream: !body });
      let response: Readonly<Record<string, unknown>> = {};
      const chunks: Buffer[] = [];
      stream.on('response', (fields) => (response = fields));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('close', () => {
        const status = response[':status'];
        if (typeof status === 'number') resolve({ status, headers: response, body: Buffer.concat(chunks) });
        else reject(new Error(`no response; stream closed with ${stream.rstCode}`));
      });
      if (body !== undefined) stream.end(body);
    });
  }

  async closed(): Promise<void> {
    await until(
      () => this.isClosed,
      (isClosed) => isClosed,
      'the server closes the session',
    );
  }

  close(): void {
    this.session.destroy();
  }
}

/** One request over HTTP/1.1 on a connection of its own. */
export function requestHttp1(
  port: number,
  { method = 'GET', path = '/dns-query', headers = {}, body }: DohRequestFields,
): Promise<DohResponse> {
  return new Promise((resolve, reject) => {
    const request = https(
      { host: '127.0.0.1', port, method, path, headers, agent: false, ...CLIENT_TLS },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** The path of a GET for a message. */
export function getPath(message: Uint8Array): string {
  return `/dns-query?dns=${Buffer.from(message).toString('base64url')}`;
}
