/** The set of sockets, on sockets of the test's own: opening, renewal, retirement. */
import { expect, test } from 'vitest';
import { monotonicMs } from '../../../../src/clock.ts';
import type { DatagramSocketHandler } from '../../../../src/data-plane/upstream/datagram-socket.ts';
import { Attempt, Exchange } from '../../../../src/data-plane/upstream/exchange.ts';
import { PENDING_PER_SOCKET_MAX } from '../../../../src/data-plane/upstream/pending-table.ts';
import { writeQuery } from '../../../../src/data-plane/upstream/query-message.ts';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import type { TransportEvents } from '../../../../src/data-plane/upstream/transport.ts';
import { UdpTransport } from '../../../../src/data-plane/upstream/udp-transport.ts';
import { question } from '../../../support/upstream-harness.ts';

class FakeSocket {
  readonly handler: DatagramSocketHandler;
  readonly sent: Uint8Array[] = [];
  isClosed = false;

  constructor(handler: DatagramSocketHandler) {
    this.handler = handler;
  }

  send(bytes: Uint8Array, end: number): void {
    if (this.isClosed) throw new Error('sent on a closed socket');
    this.sent.push(bytes.slice(0, end));
  }

  close(): void {
    if (this.isClosed) throw new Error('closed twice');
    this.isClosed = true;
  }

  /** Answers the last query. */
  answer(): void {
    const response = this.sent.at(-1)!.slice();
    response[2] = 0x81;
    this.handler.onDatagram(response, 0, response.length, true);
  }
}

function setUp(sourcePorts: number, nowMs = 0) {
  const sockets: FakeSocket[] = [];
  const ended: string[] = [];
  const events: TransportEvents = {
    onResponse: () => ended.push('response'),
    onFailure: (_, isRefused) => ended.push(isRefused ? 'refused' : 'failure'),
    onStranger: () => ended.push('stranger'),
    onUnderAttack: () => ended.push('attack'),
  };
  const openSocket = (_host: string, _port: number, handler: DatagramSocketHandler): FakeSocket => {
    const socket = new FakeSocket(handler);
    sockets.push(socket);
    return socket;
  };
  const random = new RandomWords();
  const options = { host: '192.0.2.53', port: 53, slot: 0, sourcePorts, openSocket, random, events };
  return { transport: new UdpTransport(options, nowMs), sockets, ended };
}

function newAttempt(): Attempt {
  const attempt = new Attempt();
  attempt.exchange = new Exchange();
  attempt.exchange.questionEnd = writeQuery(attempt.exchange.query, question('www.example.com'), {
    udpPayloadBytes: 1232,
  });
  return attempt;
}

const open = (sockets: readonly FakeSocket[]): FakeSocket[] => sockets.filter((socket) => !socket.isClosed);

test('queries wait for the first socket and leave by it', () => {
  const { transport, sockets } = setUp(3);
  expect(sockets).toHaveLength(3);
  expect([transport.send(newAttempt(), 0), transport.send(newAttempt(), 0)]).toEqual([true, true]);
  sockets[1]!.handler.onOpen();
  expect(sockets.map((socket) => socket.sent.length)).toEqual([0, 2, 0]);
});

test('a query given up while it waits is not sent', () => {
  const { transport, sockets } = setUp(1);
  const attempt = newAttempt();
  transport.send(attempt, 0);
  attempt.port!.release(attempt);
  sockets[0]!.handler.onOpen();
  expect(sockets[0]!.sent).toHaveLength(0);
});

test('where no socket can be opened, queries that wait fail, and opening is tried again after a while', () => {
  const { transport, sockets, ended } = setUp(2);
  transport.send(newAttempt(), 0);
  for (const socket of sockets) socket.handler.onError('EMFILE');
  expect(ended).toEqual(['failure']);
  expect(transport.send(newAttempt(), 100)).toBe(false);
  expect(sockets).toHaveLength(2);
  expect(transport.send(newAttempt(), 1000)).toBe(true);
  expect(sockets).toHaveLength(4);
});

test('an old socket is replaced, hears what waits on it, and is closed after the last response', () => {
  const { transport, sockets, ended } = setUp(1);
  const [first] = sockets;
  first!.handler.onOpen();
  transport.send(newAttempt(), 0);
  transport.send(newAttempt(), 61_000);
  transport.send(newAttempt(), 61_000);
  expect(sockets).toHaveLength(2);
  sockets[1]!.handler.onOpen();
  transport.send(newAttempt(), 61_001);
  expect(sockets.map((socket) => socket.sent.length)).toEqual([3, 1]);
  for (const query of first!.sent.splice(0)) {
    expect(first!.isClosed).toBe(false);
    first!.sent.push(query);
    first!.answer();
  }
  expect(first!.isClosed).toBe(true);
  expect(ended).toEqual(['response', 'response', 'response']);
});

test('a socket is replaced after so many queries', () => {
  const { transport, sockets } = setUp(1);
  sockets[0]!.handler.onOpen();
  for (let count = 0; count < 20_001; count++) {
    transport.send(newAttempt(), 0);
    sockets[0]!.answer();
    sockets[0]!.sent.length = 0;
  }
  expect(sockets).toHaveLength(2);
});

test('a replacement that cannot be opened leaves the old socket in use', () => {
  const { transport, sockets } = setUp(1);
  sockets[0]!.handler.onOpen();
  transport.send(newAttempt(), 61_000);
  sockets[1]!.handler.onError('EMFILE');
  expect(transport.send(newAttempt(), 61_001)).toBe(true);
  expect(sockets[0]!.sent).toHaveLength(2);
});

test('where sockets cannot be opened, a worn one is renewed no more often than every now and then', () => {
  const { transport, sockets } = setUp(1);
  sockets[0]!.handler.onOpen();
  transport.send(newAttempt(), 61_000);
  sockets[1]!.handler.onError('EMFILE');
  for (let nowMs = 61_001; nowMs < 61_200; nowMs++) transport.send(newAttempt(), nowMs);
  expect(sockets).toHaveLength(2);
  transport.send(newAttempt(), 61_200);
  expect(sockets).toHaveLength(3);
});

test('a socket that replaces a suspected one has an age of its own', () => {
  const nowMs = monotonicMs();
  const { transport, sockets } = setUp(1, nowMs - 59_000);
  sockets[0]!.handler.onOpen();
  for (let count = 0; count < 32; count++) sockets[0]!.handler.onDatagram(new Uint8Array(12), 0, 12, true);
  expect(sockets).toHaveLength(2);
  sockets[1]!.handler.onOpen();
  expect(sockets[0]!.isClosed).toBe(true);
  transport.send(newAttempt(), nowMs + 30_000);
  expect(sockets).toHaveLength(2);
});

test('a refusal fails every query that waits on the socket, which stays in use', () => {
  const { transport, sockets, ended } = setUp(1);
  sockets[0]!.handler.onOpen();
  transport.send(newAttempt(), 0);
  transport.send(newAttempt(), 0);
  sockets[0]!.handler.onError('ECONNREFUSED');
  expect(ended).toEqual(['refused', 'refused']);
  expect(transport.send(newAttempt(), 1)).toBe(true);
  expect(sockets[0]!.isClosed).toBe(false);
});

test('ids are never shared by two queries that wait on one socket', () => {
  const { transport, sockets } = setUp(1);
  sockets[0]!.handler.onOpen();
  for (let count = 0; count < 5000; count++) transport.send(newAttempt(), 0);
  const ids = sockets[0]!.sent.map((message) => (message[0]! << 8) | message[1]!);
  expect(new Set(ids).size).toBe(5000);
});

test('strangers up to a number are counted only; then what waits is taken away and the socket replaced', () => {
  const { transport, sockets, ended } = setUp(1);
  sockets[0]!.handler.onOpen();
  transport.send(newAttempt(), 0);
  for (let count = 0; count < 31; count++) sockets[0]!.handler.onDatagram(new Uint8Array(3), 0, 3, true);
  expect(new Set(ended)).toEqual(new Set(['stranger']));
  sockets[0]!.handler.onDatagram(new Uint8Array(3), 0, 3, true);
  expect(ended.at(-1)).toBe('attack');
  expect(sockets).toHaveLength(2);
  sockets[1]!.handler.onOpen();
  expect(open(sockets)).toEqual([sockets[1]]);
});

test('retiring closes each socket when nothing waits on it, and one that opens later at once', () => {
  const { transport, sockets } = setUp(3);
  sockets[0]!.handler.onOpen();
  transport.send(newAttempt(), 0);
  sockets[1]!.handler.onOpen();
  transport.retire();
  expect(open(sockets)).toEqual([sockets[0], sockets[2]]);
  sockets[2]!.handler.onOpen();
  sockets[0]!.answer();
  expect(open(sockets)).toEqual([]);
  expect(transport.send(newAttempt(), 0)).toBe(false);
});

test('retired before any socket is open, it fails who waits and takes nobody', () => {
  const { transport, sockets, ended } = setUp(2);
  transport.send(newAttempt(), 0);
  transport.retire();
  expect(ended).toEqual(['failure']);
  expect(transport.send(newAttempt(), 0)).toBe(false);
  for (const socket of sockets) socket.handler.onOpen();
  expect(open(sockets)).toEqual([]);
});

test('closing closes everything, once', () => {
  const { transport, sockets } = setUp(3);
  sockets[0]!.handler.onOpen();
  transport.send(newAttempt(), 0);
  transport.send(newAttempt(), 61_000);
  transport.close();
  transport.close();
  expect(open(sockets)).toEqual([]);
});

test('no more than half of all ids of a socket wait; what is more is not sent', () => {
  const { transport, sockets } = setUp(1);
  sockets[0]!.handler.onOpen();
  for (let count = 0; count < PENDING_PER_SOCKET_MAX; count++) expect(transport.send(newAttempt(), 0)).toBe(true);
  expect(transport.send(newAttempt(), 0)).toBe(false);
  expect(sockets[0]!.sent).toHaveLength(PENDING_PER_SOCKET_MAX);
});
