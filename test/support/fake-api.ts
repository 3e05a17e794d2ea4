/** An admin API that does as a test tells it, over real HTTP on loopback: for the commands that talk to one. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cleanUpAfterTest } from './cleanup.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** As far as it was read. */
  body: string;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers by value; or does it all itself, with the request unread, and returns nothing. */
export type FakeHandler = (
  seen: SeenRequest,
  request: IncomingMessage,
  response: ServerResponse,
) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>;

export interface FakeApi {
  readonly url: string;
  readonly seen: SeenRequest[];
}

const closers: (() => Promise<void>)[] = [];
cleanUpAfterTest(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** `reads`: the body is read before the handler is asked. */
export async function startFakeApi(handler: FakeHandler, reads = true): Promise<FakeApi> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const one: SeenRequest = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: '',
    };
    seen.push(one);
    const answer = async (): Promise<void> => {
      if (reads) one.body = await textOf(request);
      const given = await handler(one, request, response);
      if (given === undefined) return;
      const { status = 200, body = {}, headers = {} } = given;
      const type = status === 200 ? 'application/json' : 'application/problem+json';
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    void answer().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

export async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
  return text;
}

export function changeAnswer(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    version: 42,
    accepted: 1,
    removed: 0,
    unchanged: 0,
    rejected: [],
    rejectedTotal: 0,
    held: [],
    heldTotal: 0,
    rollout: null,
    replayed: false,
    ...fields,
  };
}

export function problemAnswer(
  status: number,
  code: string,
  detail = '',
  headers: Record<string, string> = {},
): FakeAnswer {
  return { status, headers, body: { type: 'about:blank', title: `Title of ${code}`, status, code, detail } };
}
