/**
 * DoH over HTTP/2: one ServerHttp2Session, a stream for each query. What nghttp2 and Node bound (streams, header fields,
 * invalid frames, settings, pings) is bounded by the settings here; rapid reset is counted here too, for a stream that is
 * opened and reset at once never counts as concurrent (CVE-2023-44487). RFC 9113, RFC 8484 5.
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { monotonicMs } from '../../clock.ts';
import { MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { DohCutRow } from '../../telemetry/counter-labels.ts';
import { ALLOWED_METHODS, DNS_MEDIA_TYPE, type DohFault, readDohRequest, TOO_LARGE, TOO_SLOW } from './doh-request.ts';
import { type DohArrival, type DohHandlers, type DohReply, DohSession } from './doh-session.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;
/** A page that is left resets what it has asked for; nobody leaves that many a second. */
const RESETS_MAX = 200;
const RESETS_WINDOW_MS = 10_000;
const HEADER_LIST_BYTES_MAX = 16 * 1024;
const HEADER_PAIRS_MAX = 64;
const MIB_PER_SESSION_MAX = 2;
const FAULTY_FRAMES_MAX = 100;
const REFUSED_STREAMS_MAX = 100;
const SETTINGS_MAX = 32;
const PINGS_MAX = 10;

/** Settings for http2.createServer. */
export function http2Settings(streamsMax: number) {
  return {
    maxSessionMemory: MIB_PER_SESSION_MAX,
    maxHeaderListPairs: HEADER_PAIRS_MAX,
    maxSessionInvalidFrames: FAULTY_FRAMES_MAX,
    maxSessionRejectedStreams: REFUSED_STREAMS_MAX,
    maxSettings: SETTINGS_MAX,
    maxOutstandingPings: PINGS_MAX,
    settings: {
      enablePush: false,
      maxConcurrentStreams: streamsMax,
      maxHeaderListSize: HEADER_LIST_BYTES_MAX,
    },
  };
}

export class Http2Session extends DohSession {
  readonly #session: ServerHttp2Session;
  /** Streams whose body has not ended, by when their head came; oldest first. */
  readonly #receiving = new Map<ServerHttp2Stream, number>();
  #streams = 0;
  #resets = 0;
  #windowStartMs = monotonicMs();

  constructor(session: ServerHttp2Session, socket: TLSSocket, arrival: DohArrival, handlers: DohHandlers) {
    super(socket, arrival, handlers);
    this.#session = session;
    session.on('stream', (stream, headers) => this.#onStream(stream, headers));
    session.on('error', (error: NodeJS.ErrnoException) => {
      // Why not for others: a client that goes away without a word does no harm.
      if (error.code?.startsWith('ERR_HTTP2') === true) this.cut(DohCutRow.protocol);
    });
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // Why first: an error of a stream that nobody listens for ends the thread.
    stream.on('error', () => undefined);
    if (stream.destroyed) return this.#countReset();
    this.#streams++;
    const reply = new StreamReply(stream, headers[':method'] === 'HEAD', this.handlers);
    stream.on('close', () => {
      this.#streams--;
      this.#receiving.delete(stream);
      this.gone(reply.bytes);
      // Those that were answered before their reset came do not show here: of them nghttp2 takes 1,000 at a time.
      // Why not by the code alone: a client may reset with NO_ERROR too.
      if (!reply.isReset && (stream.rstCode !== NGHTTP2_NO_ERROR || !stream.headersSent)) this.#countReset();
    });
    const request = readDohRequest({
      method: headers[':method'] ?? '',
      target: headers[':path'] ?? '',
      accept: headers.accept,
      contentType: headers['content-type'],
      contentLength: headers['content-length'],
    });
    switch (request.kind) {
      case 'message':
        return this.serve(request.message, reply);
      case 'body':
        return this.#receive(stream, reply);
      case 'fault':
        return this.refuse(reply, request);
    }
  }

  #receive(stream: ServerHttp2Stream, reply: StreamReply): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    this.#receiving.set(stream, monotonicMs());
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MESSAGE_BYTES_MAX) chunks.push(chunk);
      else if (this.#receiving.delete(stream)) this.refuse(reply, TOO_LARGE);
    });
    stream.on('end', () => {
      if (!this.#receiving.delete(stream) || stream.aborted) return;
      const [only] = chunks;
      this.serve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks), reply);
    });
  }

  #countReset(): void {
    const nowMs = monotonicMs();
    if (nowMs - this.#windowStartMs > RESETS_WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#resets = 0;
    }
    if (++this.#resets === RESETS_MAX) this.cut(DohCutRow.resets);
  }

  protected refuseSlow(beforeMs: number): void {
    for (const [stream, startedMs] of this.#receiving) {
      if (startedMs > beforeMs) break;
      this.#receiving.delete(stream);
      this.refuse(new StreamReply(stream, false, this.handlers), TOO_SLOW);
    }
  }

  protected get hasUnfinished(): boolean {
    return this.#streams > 0;
  }

  protected destroy(): void {
    // Why an error: Node overlooks the code that comes without one.
    if (!this.#session.destroyed) this.#session.destroy(new Error('cut'), NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** GOAWAY: streams that are open go on, and the client opens new ones elsewhere (RFC 9113 6.8). */
  retire(): void {
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
  }

  end(): void {
    if (this.#session.destroyed) return;
    if (this.#streams === 0) this.#session.destroy();
    else this.#session.close();
  }
}

class StreamReply implements DohReply {
  /** Of the response's body. */
  bytes = 0;
  /** By us. */
  isReset = false;
  readonly #stream: ServerHttp2Stream;
  readonly #isHead: boolean;
  readonly #handlers: DohHandlers;

  constructor(stream: ServerHttp2Stream, isHead: boolean, handlers: DohHandlers) {
    this.#stream = stream;
    this.#isHead = isHead;
    this.#handlers = handlers;
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed && !this.#stream.headersSent;
  }

  respond(body: Buffer, freshSeconds: number): void {
    this.bytes = body.length;
    this.#write(
      {
        ':status': 200,
        'content-type': DNS_MEDIA_TYPE,
        'content-length': body.length,
        'cache-control': `private, max-age=${freshSeconds}`,
      },
      body,
    );
  }

  refuse({ status, text }: DohFault): void {
    const body = Buffer.from(`${text}\n`);
    this.#write(
      {
        ':status': status,
        'content-type': 'text/plain; charset=utf-8',
        'content-length': body.length,
        'cache-control': 'no-store',
        ...(status === 405 ? { allow: ALLOWED_METHODS } : {}),
      },
      body,
    );
    // "a server MAY request that the client abort transmission of a request without error by sending a RST_STREAM with
    // an error code of NO_ERROR after sending a complete response" (RFC 9113 8.1).
    if (!this.#stream.readableEnded) this.#stream.close(NGHTTP2_NO_ERROR);
  }

  #write(headers: Record<string, string | number>, body: Buffer): void {
    try {
      this.#stream.respond(headers, { endStream: this.#isHead });
      if (!this.#isHead) this.#stream.end(body);
    } catch {
      // The session went between the look at it and the write: Node says so by throwing.
      this.#handlers.onSendFailed();
    }
  }

  reset(): void {
    this.isReset = true;
    if (!this.#stream.destroyed) this.#stream.close(NGHTTP2_CANCEL);
  }
}
