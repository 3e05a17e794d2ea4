/** What was sent on one socket or connection fails all at once: each attempt ends once, though one failure may end others. */
import { expect, test } from 'vitest';
import type { DatagramSocketHandler } from '../../../../src/data-plane/upstream/datagram-socket.ts';
import { createUpstreamPool, type UpstreamPool } from '../../../../src/data-plane/upstream/upstream-pool.ts';
import { readUint16 } from '../../../../src/dns/patch.ts';
import { createCounters } from '../../../../src/telemetry/counters.ts';
import { ask, PATIENT, question, receiving } from '../../../support/upstream-harness.ts';

const NOERROR = 0x80;
const SERVFAIL = 0x82;
const ATTEMPT_TIMEOUT_MS = 20;
/** Slots of the table of waiting queries, which fail in its order. */
const TABLE_SLOTS = 64;

function slotOf(query: Uint8Array): number {
  return readUint16(query, 0) % TABLE_SLOTS;
}

function openScriptedPool() {
  const sent: Uint8Array[] = [];
  let onSent: (() => void) | undefined;
  let socket: DatagramSocketHandler | undefined;
  const pool: UpstreamPool = createUpstreamPool({
    upstreams: [{ url: 'udp://192.0.2.53', protocol: 'udp', host: '192.0.2.53', port: 53 }],
    settings: { ...PATIENT, attemptTimeoutMs: ATTEMPT_TIMEOUT_MS, attemptsMax: 3, sourcePorts: 1 },
    edns: { udpPayloadBytes: 1232 },
    cells: new Float64Array(createCounters()),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    openSocket: (_host, _port, handler) => {
      socket = handler;
      setImmediate(() => handler.onOpen());
      return {
        send: (bytes, end) => {
          sent.push(bytes.slice(0, end));
          onSent?.();
        },
        close: () => undefined,
      };
    },
  });
  /** Resolves in the turn in which the last of so many queries leaves, before it is late. */
  const untilSent = (count: number): Promise<void> =>
    new Promise((resolve) => {
      onSent = () => {
        if (sent.length === count) resolve();
      };
    });
  const answer = (query: Uint8Array, lowFlags: number): void => {
    const response = Uint8Array.from(query);
    response[2] = 0x81;
    response[3] = lowFlags;
    socket!.onDatagram(response, 0, response.length, true);
  };
  return { pool, sent, untilSent, answer, refuse: () => socket!.onError('ECONNREFUSED') };
}

test('attempts of one question that fail together end it once, and two questions never share what it left', async () => {
  const { pool, sent, untilSent, answer, refuse } = openScriptedPool();
  let isRightOrder = false;
  while (!isRightOrder) {
    sent.length = 0;
    let outcomes = 0;
    pool.exchange(
      question('lost.example.com'),
      receiving(() => void outcomes++),
      performance.now(),
    );
    await untilSent(3);
    const [first, second, third] = sent as [Uint8Array, Uint8Array, Uint8Array];
    // The last one, still in time, fails before the second, which is late: its failure ends the question.
    isRightOrder = slotOf(third) < slotOf(second);
    answer(first, SERVFAIL);
    refuse();
    expect(outcomes).toBe(1);
  }
  sent.length = 0;
  const both = Promise.all([ask(pool, 'one.example.com'), ask(pool, 'two.example.com')]);
  for (const query of sent) answer(query, NOERROR);
  expect((await both).map(({ kind }) => kind)).toEqual(['answer', 'answer']);
  pool.close();
});
