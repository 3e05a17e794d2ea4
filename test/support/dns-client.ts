/**
 * A client for tests that sends any octets whatever over UDP and TCP and keeps all that comes back: pipelined, cut to
 * pieces, half-closed. It waits with a deadline for what is to come and leaves the judging to the test.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type DecodedMessage, decodeMessage, encodeQuery, type QueryFields } from '../../src/dns/codec.ts';
import { DEADLINE_MS, until } from './weir-process.ts';

let lastId = 0;

/** An id that no other query of this process has had, so that answers cannot be mixed up. */
function nextId(): number {
  lastId = (lastId % 0xffff) + 1;
  return lastId;
}

export type Ask = Partial<QueryFields>;

/** A query for `name`; type A with EDNS by default. */
export function query(name: string, type = 1, fields: Ask = {}): Uint8Array {
  const message = encodeQuery({ id: nextId(), name, type, ...fields });
  if (message === undefined) throw new Error(`not a name: ${name}`);
  return message;
}

export function idOf(message: Uint8Array): number {
  return (message[0]! << 8) | message[1]!;
}

/** Errors: throws where no independent reader would make sense of the message. */
export function decoded(message: Uint8Array): DecodedMessage {
  const result = decodeMessage(message);
  if (result === undefined) throw new Error(`cannot be decoded: ${Buffer.from(message).toString('hex')}`);
  return result;
}

const open: { close(): void }[] = [];

/** For closeClients to close. */
export function keepOpen(client: { close(): void }): void {
  open.push(client);
}

/** For afterEach: closes what tests have left open. */
export function closeClients(): void {
  for (const client of open.splice(0)) client.close();
}

export class UdpClient {
  readonly received: Uint8Array[] = [];
  readonly #socket: UdpSocket;

  constructor(socket: UdpSocket) {
    this.#socket = socket;
    socket.on('message', (message) => this.received.push(Uint8Array.from(message)));
    socket.on('error', () => undefined);
    open.push(this);
  }

  static async open(port: number, host = '127.0.0.1', localAddress?: string): Promise<UdpClient> {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 });
    if (localAddress !== undefined) socket.bind(0, localAddress);
    socket.connect(port, host);
    await once(socket, 'connect');
    return new UdpClient(socket);
  }

  send(message: Uint8Array): void {
    this.#socket.send(message);
  }

  /** Sends and waits for the response with the same id. */
  async exchange(message: Uint8Array): Promise<Uint8Array> {
    this.send(message);
    return this.responseTo(message);
  }

  async responseTo(message: Uint8Array): Promise<Uint8Array> {
    const find = (): Uint8Array | undefined => this.received.find((response) => idOf(response) === idOf(message));
    return (await until(find, (response) => response !== undefined, `response to ${idOf(message)} over UDP`))!;
  }

  close(): void {
    try {
      this.#socket.close();
    } catch {
      // Closed already.
    }
  }
}

export class TcpClient {
  readonly received: Uint8Array[] = [];
  readonly socket: Socket;
  /** The server has ended or reset the connection. */
  isClosed = false;
  #held = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('end', () => (this.isClosed = true));
    socket.on('close', () => (this.isClosed = true));
    open.push(this);
  }

  static async open(port: number, host = '127.0.0.1'): Promise<TcpClient> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return new TcpClient(socket);
  }

  /** One message with its length in front. */
  send(message: Uint8Array): void {
    this.socket.write(framed(message));
  }

  async exchange(message: Uint8Array): Promise<Uint8Array> {
    this.send(message);
    return this.responseTo(message);
  }

  async responseTo(message: Uint8Array): Promise<Uint8Array> {
    const find = (): Uint8Array | undefined => this.received.find((response) => idOf(response) === idOf(message));
    return (await until(find, (response) => response !== undefined, `response to ${idOf(message)} over TCP`))!;
  }

  /** Resolves when the server has closed. */
  async closed(): Promise<void> {
    await until(
      () => this.isClosed,
      (isClosed) => isClosed,
      'the server closes the connection',
    );
  }

  close(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= 2 && this.#held.length >= 2 + this.#held.readUInt16BE()) {
      const end = 2 + this.#held.readUInt16BE();
      this.received.push(Uint8Array.from(this.#held.subarray(2, end)));
      this.#held = this.#held.subarray(end);
    }
  }
}

export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(2 + message.length);
  frame.writeUInt16BE(message.length);
  frame.set(message, 2);
  return frame;
}

export interface Where {
  readonly port: number;
  readonly host?: string;
  readonly transport?: 'udp' | 'tcp';
}

/** One query on a socket of its own, the response decoded. */
export async function ask(where: Where, name: string, type = 1, fields: Ask = {}): Promise<DecodedMessage> {
  return decoded(await askRaw(where, query(name, type, fields)));
}

export async function askRaw(where: Where, message: Uint8Array): Promise<Uint8Array> {
  const kind = where.transport === 'tcp' ? TcpClient : UdpClient;
  const client = await kind.open(where.port, where.host);
  try {
    return await client.exchange(message);
  } finally {
    client.close();
  }
}

/** Queries that must all be answered, sent all the time until stopped: what is lost is counted. */
export class QueryLoad {
  sent = 0;
  readonly #client: UdpClient;
  readonly #waiting = new Map<number, string>();
  readonly rcodes = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(client: UdpClient, intervalMs: number, nameOf: (index: number) => string) {
    this.#client = client;
    this.#timer = setInterval(() => {
      const name = nameOf(this.sent++);
      const message = query(name);
      this.#waiting.set(idOf(message), name);
      client.send(message);
    }, intervalMs);
    keepOpen(this);
  }

  /** Sends no more. */
  close(): void {
    clearInterval(this.#timer);
  }

  static async start(port: number, intervalMs: number, nameOf: (index: number) => string): Promise<QueryLoad> {
    return new QueryLoad(await UdpClient.open(port), intervalMs, nameOf);
  }

  /** Takes in what was received. Returns the names of queries that have no response yet. */
  unanswered(): string[] {
    for (const response of this.#client.received.splice(0)) {
      if (!this.#waiting.delete(idOf(response))) continue;
      const rcode = response[3]! & 0x0f;
      this.rcodes.set(rcode, (this.rcodes.get(rcode) ?? 0) + 1);
    }
    return [...this.#waiting.values()];
  }

  /** Stops sending, waits for what is under way and returns the names of the queries that were lost. */
  async stop(deadlineMs = DEADLINE_MS / 2): Promise<string[]> {
    clearInterval(this.#timer);
    const lost = await until(
      () => this.unanswered(),
      (names) => names.length === 0,
      'all queries are answered',
      deadlineMs,
    ).catch(() => this.unanswered());
    this.#client.close();
    return lost;
  }
}
