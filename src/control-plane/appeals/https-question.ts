/**
 * One query of the appeals desk as a POST over HTTPS, by HTTP/2 or, where the server has no other, by HTTP/1.1, as the
 * resolver threads send theirs: many servers of DNS over HTTPS speak HTTP/2 alone. RFC 8484 sections 4.1, 5.2.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { isIPv6 } from 'node:net';
import type { Readable } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import type { UpstreamConfig } from '../../config/config.ts';
import { MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { provesPin, tlsOptions } from './upstream-identity.ts';

const MEDIA_TYPE = 'application/dns-message';
const HEADERS = { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE };

interface HttpAnswer {
  readonly status: number | undefined;
  readonly body: Readable;
}

/** Errors: rejects where there is no answer in time, or none that is a message. */
export async function askOverHttps(
  upstream: UpstreamConfig,
  ca: string,
  query: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = connect({ ...tlsOptions(upstream, ca), ALPNProtocols: ['h2', 'http/1.1'] });
  const close = (): void => void socket.destroy();
  signal.addEventListener('abort', close);
  try {
    await once(socket, 'secureConnect', { signal });
    if (!provesPin(socket, upstream)) throw new Error('not the pinned key');
    const post = socket.alpnProtocol === 'h2' ? postHttp2 : postHttp1;
    const { status, body } = await post(socket, upstream, query, signal);
    if (status !== 200) throw new Error('no answer');
    return await messageOf(body);
  } finally {
    signal.removeEventListener('abort', close);
    socket.on('error', ignore);
    close();
  }
}

async function postHttp2(
  socket: TLSSocket,
  upstream: UpstreamConfig,
  query: Uint8Array,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const session = connectHttp2(`https://${authorityOf(upstream)}`, { createConnection: () => socket });
  session.on('error', ignore);
  const stream = session.request({ ...HEADERS, ':method': 'POST', ':path': pathOf(upstream) });
  stream.on('error', ignore);
  stream.end(query);
  const [headers] = (await once(stream, 'response', { signal })) as [IncomingHttpHeaders & { ':status'?: number }];
  return { status: headers[':status'], body: stream };
}

async function postHttp1(
  socket: TLSSocket,
  upstream: UpstreamConfig,
  query: Uint8Array,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const headers = { ...HEADERS, host: authorityOf(upstream), 'content-length': query.length };
  const request = httpsRequest({ method: 'POST', path: pathOf(upstream), headers, createConnection: () => socket });
  request.on('error', ignore);
  request.end(query);
  const [response] = (await once(request, 'response', { signal })) as [IncomingMessage];
  response.on('error', ignore);
  return { status: response.statusCode, body: response };
}

async function messageOf(body: Readable): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MESSAGE_BYTES_MAX) throw new Error('more than a message');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function authorityOf({ host, port, serverName = host }: UpstreamConfig): string {
  return `${isIPv6(serverName) ? `[${serverName}]` : serverName}:${port}`;
}

function pathOf({ path = '/dns-query' }: UpstreamConfig): string {
  return path;
}

/** Whoever waits hears of it; a connection that is given up has nobody any more. */
function ignore(): void {}
