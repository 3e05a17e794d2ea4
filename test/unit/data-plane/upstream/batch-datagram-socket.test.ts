/** What sockets in batches alone have to see to; datagram-socket-contract.test.ts has what all do. */
import { createSocket } from 'node:dgram';
import { closeSync, openSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { monotonicMs } from '../../../../src/clock.ts';
import { type Libc, loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { SocketWatch } from '../../../../src/data-plane/batch/socket-watch.ts';
import { openInBatches } from '../../../../src/data-plane/upstream/batch-datagram-socket.ts';
import type { UpstreamOutcome } from '../../../../src/data-plane/upstream/upstream.ts';
import { createUpstreamPool } from '../../../../src/data-plane/upstream/upstream-pool.ts';
import { SocketSideRow, UpstreamOutcomeRow } from '../../../../src/telemetry/counter-labels.ts';
import { createCounters, upstreamCounter } from '../../../../src/telemetry/counters.ts';
import { respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import { closeAll, PATIENT, question, track, upstreamConfig } from '../../../support/upstream-harness.ts';

afterEach(closeAll);

/** Of the kernel, where a firewall forbids it. */
const EPERM = 1;
const ECONNREFUSED = 111;
/** UNSENT_MAX. */
const WAITING_MAX = 1_024;
const libc = loadLibc();

test.skipIf(libc.kind !== 'ok')(
  'a descriptor that node:dgram does not take is closed, and said to be of no use',
  async () => {
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    const fd = openSync('/dev/null', 'r');
    const close = vi.fn(closeSync);
    const onError = vi.fn();
    const open = openInBatches({ ...real, openUdp: () => fd, connect: () => undefined, close });
    const idle = { onOpen: () => undefined, onDatagram: () => undefined, onUnsent: () => undefined };
    const socket = open('127.0.0.1', 53, { ...idle, onError });
    expect(close).toHaveBeenCalledExactlyOnceWith(fd);
    expect(onError).not.toHaveBeenCalled();
    await expect.poll(() => onError.mock.calls).toEqual([['ERR_INVALID_FD_TYPE']]);
    socket.close();
  },
);

test.skipIf(libc.kind !== 'ok')(
  'a thousand datagrams wait for room in the kernel; of one more it is said that it was not sent (skipped where there are no batches)',
  async () => {
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    const server = createSocket('udp4').on('message', () => void came++);
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    let came = 0;
    let isFull = true;
    const send: typeof real.send = (...call) => (isFull ? -real.ENOBUFS : real.send(...call));
    const [onOpen, onUnsent, onError] = [vi.fn(), vi.fn(), vi.fn()];
    const open = openInBatches({ ...real, send });
    const handler = { onOpen, onDatagram: () => undefined, onUnsent, onError };
    const socket = open('127.0.0.1', server.address().port, handler);
    await expect.poll(() => onOpen.mock.calls.length).toBe(1);
    for (let id = 0; id <= WAITING_MAX; id++) socket.send(Buffer.of(id >>> 8, id & 0xff, 0), 3);
    await expect.poll(() => onUnsent.mock.calls).toEqual([[WAITING_MAX]]);
    isFull = false;
    // Why not all: the server's own queue is shorter than a thousand datagrams on some machines.
    await expect.poll(() => came).toBeGreaterThan(64);
    socket.close();
    server.close();
    expect(onUnsent).toHaveBeenCalledTimes(1);
    expect(onError).not.toHaveBeenCalled();
  },
);

test.skipIf(libc.kind !== 'ok')(
  'what the kernel refuses fails alone; what waits for its answer on the same socket goes on (skipped where there are no batches)',
  async () => {
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    let isRefused = false;
    const send: typeof real.send = (...call) => (isRefused ? -EPERM : real.send(...call));
    const answers: (() => void)[] = [];
    const upstream = track(
      await startFakeUpstream((asked) => {
        answers.push(() => asked.reply(respond(asked)));
        return undefined;
      }),
    );
    const cells = new Float64Array(createCounters());
    const pool = createUpstreamPool({
      upstreams: [upstreamConfig(upstream)],
      settings: { ...PATIENT, sourcePorts: 1, attemptsMax: 1 },
      edns: { udpPayloadBytes: 1232 },
      cells,
      log: { info: vi.fn(), warn: vi.fn(), error: vi.fn() },
      openSocket: openInBatches({ ...real, send }),
    });
    const ends: string[] = [];
    const ask = (name: string): void => {
      const receiver = {
        onAnswer: () => true,
        onOutcome: ({ kind }: UpstreamOutcome) => void ends.push(`${name} ${kind}`),
      };
      pool.exchange(question(name), receiver, monotonicMs());
    };
    ask('first.example');
    await upstream.received(1);
    isRefused = true;
    ask('second.example');
    await expect.poll(() => ends).toEqual(['second.example failed']);
    answers[0]!();
    await expect.poll(() => ends).toEqual(['second.example failed', 'first.example read']);
    expect(cells[upstreamCounter(0, UpstreamOutcomeRow.network)]).toBe(1);
    expect(cells[upstreamCounter(0, UpstreamOutcomeRow.mismatched)]).toBe(0);
    pool.close();
  },
);

/** A socket to a server of the test's own, on a C library that receives as the test likes. */
async function openOn(receive: Libc['receive'], watch?: SocketWatch) {
  const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
  const server = createSocket('udp4').on('message', (_, { port, address }) => server.send('answer', port, address));
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  const handler = { onOpen: vi.fn(), onDatagram: vi.fn(), onUnsent: vi.fn(), onError: vi.fn() };
  const socket = openInBatches({ ...real, receive }, watch)('127.0.0.1', server.address().port, handler);
  await expect.poll(() => handler.onOpen.mock.calls.length).toBe(1);
  const close = () => {
    socket.close();
    server.close();
  };
  return { real, handler, socket, close };
}

describe.skipIf(libc.kind !== 'ok')('what it receives (skipped where there are no batches)', () => {
  test('is left for the next turn of the event loop where it never ends', async () => {
    const TURN_MAX = 512 + 64 + 1;
    let taken = 0;
    const { handler, socket, close } = await openOn((_fd, _headers, count) => (taken < 10 * TURN_MAX ? count : -11));
    const turns: number[] = [];
    handler.onDatagram.mockImplementation(() => {
      if (taken++ === 0) setImmediate(() => turns.push(taken));
    });
    socket.send(Buffer.from('query'), 5);
    await expect.poll(() => turns.length).toBe(1);
    expect(turns[0]).toBeGreaterThan(64);
    expect(turns[0]).toBeLessThanOrEqual(TURN_MAX);
    close();
  });

  test('may be an error of the socket, which is said', async () => {
    const codes = [-ECONNREFUSED];
    const { handler, socket, close } = await openOn(() => codes.pop() ?? -11);
    socket.send(Buffer.from('query'), 5);
    await expect.poll(() => handler.onError.mock.calls).toEqual([['ECONNREFUSED']]);
    close();
  });

  test('has a queue of a mebibyte, whose losses are counted as long as it is open', async () => {
    const cells = new Float64Array(createCounters());
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    const watch = new SocketWatch(real, cells);
    const { close } = await openOn((...call) => real.receive(...call), watch);
    const [watched] = watch.sockets(SocketSideRow.upstream);
    const own = new Uint8Array(16);
    own[0] = 2;
    const same = { sockaddr: own, isV6: false, shared: false, receiveBufferBytes: 1024 * 1024 };
    const fd = real.openUdp(same);
    expect(real.socketMemory(watched!.fd)).toEqual(real.socketMemory(fd));
    real.close(fd);
    close();
    expect(watch.sockets(SocketSideRow.upstream)).toEqual([]);
  });
});
