/**
 * An upstream for tests: UDP and TCP on one loopback port, answering as the test scripts it, lies included. It counts
 * and keeps what it was asked.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

const HEADER_BYTES = 12;
const PORT_TRIES_MAX = 20;

export interface FakeQuery {
  readonly transport: 'udp' | 'tcp';
  /** How many queries came before this one, both transports together. */
  readonly index: number;
  /** The query as it came, a copy. */
  readonly message: Uint8Array;
  readonly clientPort: number;
  /** Lower-case, dots between labels, no trailing dot. */
  readonly name: string;
  readonly qtype: number;
  /** Sends a message back to where this query came from. */
  readonly reply: Reply;
}

/** Sends a message back to where the query came from; may be called more than once, or later. */
export type Reply = (message: Uint8Array) => void;

/** A message to send back, or nothing: the script has replied itself, will reply later, or never. */
export type Script = (query: FakeQuery) => Uint8Array | undefined;

export interface FakeUpstream {
  readonly host: string;
  readonly port: number;
  /** "udp://127.0.0.1:port", as in a configuration. */
  readonly url: string;
  readonly queries: readonly FakeQuery[];
  /** Replaces the script from now on. */
  answerWith(script: Script): void;
  /** Sends a datagram to a client's port from another port than the upstream's. */
  sendFromElsewhere(message: Uint8Array, clientPort: number): Promise<void>;
  /** Resolves when `count` queries have come. */
  received(count: number): Promise<void>;
  /** Ends every TCP connection that is open. */
  breakConnections(): void;
  readonly connectionsAccepted: number;
  /** Stops, and frees the port: datagrams to it are refused from then on. */
  stop(): Promise<void>;
}

/** Starts one; `port` 0 takes a free one. */
export async function startFakeUpstream(script: Script = (query) => respond(query), port = 0): Promise<FakeUpstream> {
  const { udp, tcp } = await bindBoth(port);
  const bound = udp.address().port;
  const queries: FakeQuery[] = [];
  const connections = new Set<Socket>();
  const watchers = new Set<() => void>();
  let current = script;
  let connectionsAccepted = 0;

  const take = (transport: 'udp' | 'tcp', message: Uint8Array, clientPort: number, reply: Reply): void => {
    const query = { transport, index: queries.length, message, clientPort, reply, ...questionOf(message) };
    queries.push(query);
    const response = current(query);
    if (response !== undefined) reply(response);
    for (const watch of watchers) watch();
  };

  udp.on('message', (message: Buffer, from: RemoteInfo) => {
    take('udp', Uint8Array.from(message), from.port, (response) => {
      udp.send(response, from.port, from.address);
    });
  });
  tcp.on('connection', (socket) => {
    connectionsAccepted++;
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => undefined);
    readFrames(socket, (message) => {
      take('tcp', message, socket.remotePort ?? 0, (response) => socket.write(frame(response)));
    });
  });

  return {
    host: '127.0.0.1',
    port: bound,
    url: `udp://127.0.0.1:${bound}`,
    queries,
    get connectionsAccepted() {
      return connectionsAccepted;
    },
    answerWith: (next) => {
      current = next;
    },
    sendFromElsewhere: async (message, clientPort) => {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve, reject) => {
        socket.send(message, clientPort, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
      });
      socket.close();
    },
    received: (count) =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (queries.length < count) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
    breakConnections: () => {
      for (const socket of connections) socket.destroy();
    },
    stop: async () => {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

export interface FakeAnswer {
  /** Of one above 15 the OPT record carries a part. */
  readonly rcode?: number;
  /** Set TC. */
  readonly truncated?: boolean;
  /** IPv4 addresses of A records; default one, of the documentation range (RFC 5737), for NOERROR and type A. */
  readonly addresses?: readonly string[];
  readonly ttlSeconds?: number;
  /** The name in the question of the response, if it is to lie. */
  readonly qname?: Uint8Array;
  /** Carry an OPT record; default where the query has one. */
  readonly withEdns?: boolean;
}

/** A response to the query: its id and question, RD and RA, and what `answer` says. */
export function respond(query: FakeQuery, answer: FakeAnswer = {}): Uint8Array {
  const { rcode = 0, truncated = false, ttlSeconds = 300 } = answer;
  const questionEnd = endOfQuestion(query.message);
  const question = Buffer.from(query.message.subarray(HEADER_BYTES, questionEnd));
  if (answer.qname !== undefined) question.set(answer.qname);
  const isAddress = query.qtype === 1 && rcode === 0 && !truncated;
  const addresses = answer.addresses ?? (isAddress ? ['192.0.2.1'] : []);
  const records = addresses.map((address) => addressRecord(address, ttlSeconds));
  const hasEdns = answer.withEdns ?? query.message[11] === 1;
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(query.message.subarray(0, 2));
  header.writeUInt16BE(0x8180 | (truncated ? 0x0200 : 0) | (rcode & 0x0f), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt16BE(hasEdns ? 1 : 0, 10);
  const opt = Buffer.from([0, 0, 41, 0x04, 0xd0, rcode >>> 4, 0, 0, 0, 0, 0]);
  return Uint8Array.from(Buffer.concat([header, question, ...records, ...(hasEdns ? [opt] : [])]));
}

function addressRecord(address: string, ttlSeconds: number): Buffer {
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]);
  record.writeUInt32BE(ttlSeconds, 6);
  return record;
}

function endOfQuestion(message: Uint8Array): number {
  let offset = HEADER_BYTES;
  while (offset < message.length && message[offset] !== 0) offset += 1 + message[offset]!;
  return Math.min(message.length, offset + 5);
}

/** The first question of a message that has one; the name in small letters. */
export function questionOf(message: Uint8Array): { name: string; qtype: number } {
  const end = endOfQuestion(message);
  const labels: string[] = [];
  for (let offset = HEADER_BYTES; offset < end - 5; offset += 1 + message[offset]!) {
    labels.push(Buffer.from(message.subarray(offset + 1, offset + 1 + message[offset]!)).toString('latin1'));
  }
  return { name: labels.join('.').toLowerCase(), qtype: (message[end - 4]! << 8) | message[end - 3]! };
}

function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(2 + message.length);
  framed.writeUInt16BE(message.length);
  framed.set(message, 2);
  return framed;
}

function readFrames(socket: Socket, onMessage: (message: Uint8Array) => void): void {
  let held = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE()) {
      const end = 2 + held.readUInt16BE();
      onMessage(Uint8Array.from(held.subarray(2, end)));
      held = held.subarray(end);
    }
  });
}

/** One port number for both transports, as DNS has it. */
async function bindBoth(port: number): Promise<{ udp: UdpSocket; tcp: Server }> {
  for (let attempt = 1; ; attempt++) {
    const tcp = createServer();
    tcp.listen(port, '127.0.0.1');
    await once(tcp, 'listening');
    const udp = createSocket('udp4');
    const address = tcp.address();
    udp.bind(address === null || typeof address === 'string' ? 0 : address.port, '127.0.0.1');
    try {
      await once(udp, 'listening');
      return { udp, tcp };
    } catch (error) {
      tcp.close();
      if (attempt === PORT_TRIES_MAX) throw error;
    }
  }
}
