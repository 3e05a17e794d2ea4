/** When connections to upstreams close, on sockets of the test's own. */
import { EventEmitter } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { Attempt, Exchange } from '../../../../src/data-plane/upstream/exchange.ts';
import { writeQuery } from '../../../../src/data-plane/upstream/query-message.ts';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import { TcpTransport } from '../../../../src/data-plane/upstream/tcp-transport.ts';
import { question } from '../../../support/upstream-harness.ts';

class FakeSocket extends EventEmitter {
  readonly connecting = false;
  readonly writableLength = 0;
  isDestroyed = false;
  #isArmed = false;

  setTimeout(): void {
    this.#isArmed = true;
  }

  write(): void {}

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Nothing comes or goes for the time that was set; node:net says so once. */
  stayQuiet(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    this.emit('timeout');
  }
}

const sockets = vi.hoisted((): FakeSocket[] => []);
vi.mock('node:net', async (original) => ({
  ...(await original<typeof import('node:net')>()),
  connect: (_options: unknown, onConnect: () => void) => {
    const socket = new FakeSocket();
    socket.once('connect', onConnect);
    sockets.push(socket);
    return socket;
  },
}));

afterEach(() => void sockets.splice(0));

function newAttempt(): Attempt {
  const attempt = new Attempt();
  attempt.exchange = new Exchange();
  attempt.exchange.questionEnd = writeQuery(attempt.exchange.query, question('www.example.com'), {
    udpPayloadBytes: 1232,
  });
  return attempt;
}

test('a connection in whose place another has come is closed when nothing waits on it, though octets go on coming', () => {
  const events = { onResponse: vi.fn(), onFailure: vi.fn(), onStranger: vi.fn(), onUnderAttack: vi.fn() };
  const transport = new TcpTransport({ host: '192.0.2.53', port: 53, slot: 0, random: new RandomWords(), events });
  const [early, late] = [newAttempt(), newAttempt()];
  transport.send(early, 0);
  sockets[0]!.emit('connect');
  // A message of 65,535 octets that never ends.
  sockets[0]!.emit('data', Buffer.of(0xff, 0xff, 0));
  transport.send(late, 10_000);
  expect(sockets).toHaveLength(2);
  expect(sockets[0]!.isDestroyed).toBe(false);
  early.port!.release(early);
  expect(sockets.map(({ isDestroyed }) => isDestroyed)).toEqual([true, false]);
});

test('a connection that was quiet while a query waited on it is closed when it is quiet later', () => {
  const events = { onResponse: vi.fn(), onFailure: vi.fn(), onStranger: vi.fn(), onUnderAttack: vi.fn() };
  const transport = new TcpTransport({ host: '192.0.2.53', port: 53, slot: 0, random: new RandomWords(), events });
  const attempt = newAttempt();
  transport.send(attempt, 0);
  const [socket] = sockets as [FakeSocket];
  socket.emit('connect');
  socket.stayQuiet();
  expect(socket.isDestroyed).toBe(false);
  attempt.port!.release(attempt);
  socket.stayQuiet();
  expect(socket.isDestroyed).toBe(true);
});
