/**
 * DoH over HTTP/1.1, for clients that speak no HTTP/2: requests of one connection in turn. Node reads the messages of
 * HTTP; the time limits are the session's own, by its sweep. RFC 9112, RFC 8484.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { monotonicMs } from '../../clock.ts';
import { MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { DohCutRow } from '../../telemetry/counter-labels.ts';
import {
  ALLOWED_METHODS,
  DNS_MEDIA_TYPE,
  type DohFault,
  readDohRequest,
  TARGET_BYTES_MAX,
  TOO_LARGE,
  TOO_SLOW,
} from './doh-request.ts';
import { type DohReply, DohSession } from './doh-session.ts';

/** Of the request's head, target included. */
export const HEADER_BYTES_MAX = TARGET_BYTES_MAX + 8 * 1024;

export class Http1Session extends DohSession {
  /** Requests without their whole response, by when their head came; oldest first. */
  readonly #open = new Map<ServerResponse, { readonly startedMs: number; isReceived: boolean }>();
  #isRetiring = false;

  /** One request, as the http server that reads this connection gives it. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const state = { startedMs: monotonicMs(), isReceived: false };
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    this.#open.set(response, state);
    const reply = new ResponseReply(response, request.method === 'HEAD', () => this.#isRetiring);
    response.on('close', () => {
      this.#open.delete(response);
      this.gone(reply.bytes);
      if (this.#isRetiring && this.#open.size === 0) this.socket.end();
    });
    // Why: Node reads on where a client sends request after request without waiting.
    if (this.#open.size > this.handlers.limits.pipelineMax) return this.cut(DohCutRow.protocol);
    const head = readDohRequest({
      method: request.method ?? '',
      target: request.url ?? '',
      accept: request.headers.accept,
      contentType: request.headers['content-type'],
      contentLength: request.headers['content-length'],
    });
    switch (head.kind) {
      case 'message':
        state.isReceived = true;
        request.resume();
        return this.serve(head.message, reply);
      case 'body':
        return this.#receive(request, state, reply);
      case 'fault':
        state.isReceived = true;
        request.resume();
        return this.refuse(reply, head);
    }
  }

  #receive(request: IncomingMessage, state: { isReceived: boolean }, reply: ResponseReply): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MESSAGE_BYTES_MAX) chunks.push(chunk);
      else if (!state.isReceived) {
        state.isReceived = true;
        this.refuse(reply, TOO_LARGE);
      }
    });
    request.on('end', () => {
      if (state.isReceived) return;
      state.isReceived = true;
      this.serve(Buffer.concat(chunks), reply);
    });
  }

  protected refuseSlow(beforeMs: number): void {
    for (const [response, state] of this.#open) {
      if (state.startedMs > beforeMs) break;
      if (state.isReceived) continue;
      state.isReceived = true;
      this.refuse(new ResponseReply(response, false, () => true), TOO_SLOW);
    }
  }

  protected get hasUnfinished(): boolean {
    return this.#open.size > 0;
  }

  protected destroy(): void {
    this.socket.destroy();
  }

  retire(): void {
    this.#isRetiring = true;
    if (this.#open.size === 0) this.end();
  }

  end(): void {
    this.#isRetiring = true;
    if (this.#open.size === 0) this.socket.end(() => this.socket.destroy());
  }
}

class ResponseReply implements DohReply {
  /** Of the response's body. */
  bytes = 0;
  readonly #response: ServerResponse;
  readonly #isHead: boolean;
  readonly #isLast: () => boolean;

  constructor(response: ServerResponse, isHead: boolean, isLast: () => boolean) {
    this.#response = response;
    this.#isHead = isHead;
    this.#isLast = isLast;
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.headersSent;
  }

  respond(body: Buffer, freshSeconds: number): void {
    this.bytes = body.length;
    this.#write(200, DNS_MEDIA_TYPE, `private, max-age=${freshSeconds}`, body);
  }

  refuse({ status, text }: DohFault): void {
    if (status === 405) this.#response.setHeader('Allow', ALLOWED_METHODS);
    // Why: what is left of the request is not worth reading.
    this.#response.setHeader('Connection', 'close');
    this.#write(status, 'text/plain; charset=utf-8', 'no-store', Buffer.from(`${text}\n`));
  }

  #write(status: number, type: string, cacheControl: string, body: Buffer): void {
    const response = this.#response;
    response.statusCode = status;
    response.setHeader('Content-Type', type);
    response.setHeader('Content-Length', body.length);
    response.setHeader('Cache-Control', cacheControl);
    if (this.#isLast()) response.setHeader('Connection', 'close');
    if (this.#isHead) response.end();
    else response.end(body);
  }

  /** HTTP/1.1 has no other way not to answer. */
  reset(): void {
    this.#response.destroy();
  }
}
