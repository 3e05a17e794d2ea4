/**
 * One question to the upstreams that the resolver threads forward to, for the appeals desk: never through this node's own
 * policy, which blocks the very names that it asks about. Rare and off the query path, so a connection for each. Plain
 * upstreams are asked over TCP, which nobody beside the path can answer in their place. RFC 7766, RFC 7858, RFC 8484.
 */
import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import type { UpstreamConfig } from '../../config/config.ts';
import { decodeMessage, encodeQuery, type DecodedMessage } from '../../dns/codec.ts';
import { HeaderFlag, MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { askOverHttps } from './https-question.ts';
import { provesPin, tlsOptions } from './upstream-identity.ts';

/** Units: milliseconds; of one upstream. */
const UPSTREAM_TIMEOUT_MS = 3_000;
/** Upstreams asked one after the other. */
const UPSTREAMS_MAX = 2;
const NOERROR = 0;
const NXDOMAIN = 3;
const LENGTH_BYTES = 2;

export interface Upstreams {
  readonly upstreams: readonly UpstreamConfig[];
  /** PEM of the authorities trusted for tls and https; '': Node's own. */
  readonly ca: string;
}

/** What the records of the answer say; undefined: no upstream answers. Errors: none. */
export async function askUpstreams(
  { upstreams, ca }: Upstreams,
  name: string,
  type: number,
): Promise<readonly string[] | undefined> {
  for (const upstream of upstreams.slice(0, UPSTREAMS_MAX)) {
    const id = randomInt(0x1_0000);
    const query = encodeQuery({ id, name, type });
    if (query === undefined) return [];
    const message = await exchange(upstream, ca, query).catch(() => undefined);
    const answer = message === undefined ? undefined : decodeMessage(message);
    if (answer === undefined || !isAnswer(answer, id, name, type)) continue;
    return answer.answers.filter((record) => record.type === type).map(({ data }) => data);
  }
  return undefined;
}

function isAnswer({ id, flags, rcode, questions }: DecodedMessage, sent: number, name: string, type: number): boolean {
  const [question] = questions;
  const isOurs = id === sent && question?.type === type && bare(question.name) === bare(name);
  return isOurs && (flags & HeaderFlag.QR) !== 0 && (rcode === NOERROR || rcode === NXDOMAIN);
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

async function exchange(upstream: UpstreamConfig, ca: string, query: Uint8Array): Promise<Uint8Array> {
  const { host, port, protocol } = upstream;
  if (protocol === 'https') return askOverHttps(upstream, ca, query, UPSTREAM_TIMEOUT_MS);
  return overStream(protocol === 'tls' ? tlsConnect(tlsOptions(upstream, ca)) : connect(port, host), upstream, query);
}

/** Over TCP or TLS, with the two octets of length in front (RFC 1035 section 4.2.2). */
async function overStream(socket: Socket, upstream: UpstreamConfig, query: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let received = Buffer.alloc(0);
  const timer = setTimeout(() => reject(new Error('the upstream is late')), UPSTREAM_TIMEOUT_MS);
  const isTls = 'getPeerX509Certificate' in socket;
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    if (isTls && !provesPin(socket as TLSSocket, upstream)) reject(new Error('not the pinned key'));
    else socket.write(Buffer.concat([Buffer.of(query.length >> 8, query.length & 0xff), query]));
  });
  socket.on('data', (piece) => {
    received = Buffer.concat([received, piece]);
    const wanted = received.length < LENGTH_BYTES ? MESSAGE_BYTES_MAX : received.readUInt16BE(0);
    if (received.length >= LENGTH_BYTES + wanted) resolve(received.subarray(LENGTH_BYTES, LENGTH_BYTES + wanted));
  });
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the upstream closed the connection')));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
