/** A bound listener with a handler of the test's own, and everything it reported. */
import type { Arrival, Listener, QueryHandler } from '../../src/data-plane/listener/arrival.ts';
import { TlsContext } from '../../src/data-plane/listener/tls-server.ts';
import { framed, type TcpClient } from './dns-client.ts';
import { tlsMaterial } from './tls-fixture.ts';
import type { ListenerDependencies } from '../../src/data-plane/listener/listeners.ts';
import { ConnectionCount, type ConnectionLimits } from '../../src/data-plane/listener/connection-count.ts';

export const TCP_LIMITS: ConnectionLimits = {
  connectionsMax: 100,
  connectionsPerClientMax: 50,
  idleTimeoutMs: 60_000,
  pipelineMax: 10,
};

export interface ListenerReports {
  readonly handshakes: number[];
  readonly statuses: number[];
  readonly cuts: number[];
  readonly connections: number[];
  rejected: number;
  sendsFailed: number;
  batchEnds: number;
  /** Of the last batch, as it was said at its end. */
  batchReceivedAtMs: number;
  readonly errors: Error[];
}

export interface TestDependencies {
  readonly deps: ListenerDependencies;
  readonly reports: ListenerReports;
}

export function listenerDependencies(
  handler: QueryHandler,
  limits: Partial<ConnectionLimits> = {},
  context = new TlsContext(tlsMaterial()),
): TestDependencies {
  const reports: ListenerReports = {
    handshakes: [],
    statuses: [],
    cuts: [],
    connections: [],
    rejected: 0,
    sendsFailed: 0,
    batchEnds: 0,
    batchReceivedAtMs: 0,
    errors: [],
  };
  const deps: ListenerDependencies = {
    handler,
    limits: { ...TCP_LIMITS, ...limits },
    onConnections: (change) => void reports.connections.push(change),
    onRejected: () => void reports.rejected++,
    onSendFailed: () => void reports.sendsFailed++,
    onBatchEnd: (receivedAtMs) => {
      reports.batchEnds++;
      reports.batchReceivedAtMs = receivedAtMs;
      return receivedAtMs;
    },
    onError: (error) => void reports.errors.push(error),
    tls: {
      context,
      limits: { ...TCP_LIMITS, ...limits },
      connectionCount: new ConnectionCount(),
      onConnections: (_, change) => void reports.connections.push(change),
      onRejected: () => void reports.rejected++,
      onHandshake: (_, row) => void reports.handshakes.push(row),
      onResponse: (status) => void reports.statuses.push(status),
      onCut: (row) => void reports.cuts.push(row),
    },
  };
  return { deps, reports };
}

/** Writes `response` over the query, as the query path does. */
export function answerInPlace(arrival: Arrival, response: Uint8Array): number {
  arrival.bytes.set(response, arrival.start);
  return response.length;
}

/** The octets of a query. */
export function messageOf(arrival: Arrival): Uint8Array {
  return Uint8Array.from(arrival.bytes.subarray(arrival.start, arrival.end));
}

/** The handler that answers every query with its own octets. */
export const echo: QueryHandler = (arrival) => answerInPlace(arrival, messageOf(arrival));

/** Octets that stand for a message; all but its id are the low octet of it. */
export function numbered(id: number, length = 12): Uint8Array {
  const octets = new Uint8Array(length).fill(id & 0xff);
  octets.set([id >> 8, id & 0xff]);
  return octets;
}

/** Sends the largest messages as fast as the server takes them, and reads nothing. */
export function sendWithoutReading({ socket }: TcpClient): void {
  socket.pause();
  const frame = framed(numbered(1, 65_535));
  const pump = (): void => {
    while (!socket.destroyed && socket.write(frame));
  };
  socket.on('drain', pump);
  pump();
}

const bound: Listener[] = [];

export async function track(listener: Promise<Listener>): Promise<Listener> {
  bound.push(await listener);
  return listener;
}

/** For afterEach. */
export async function closeListeners(): Promise<void> {
  await Promise.all(bound.splice(0).map((listener) => listener.close()));
}
