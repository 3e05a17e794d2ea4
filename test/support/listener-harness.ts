/** A bound listener with a handler of the test's own, and everything it reported. */
import type { Arrival, Listener, QueryHandler } from '../../src/data-plane/listener/arrival.ts';
import type { ListenerDependencies } from '../../src/data-plane/listener/listeners.ts';
import type { TcpLimits } from '../../src/data-plane/listener/tcp-listener.ts';

export const TCP_LIMITS: TcpLimits = {
  connectionsMax: 100,
  connectionsPerClientMax: 50,
  idleTimeoutMs: 60_000,
  pipelineMax: 10,
};

export interface ListenerReports {
  readonly connections: number[];
  rejected: number;
  sendsFailed: number;
  batchEnds: number;
  readonly errors: Error[];
}

export interface TestDependencies {
  readonly deps: ListenerDependencies;
  readonly reports: ListenerReports;
}

export function listenerDependencies(handler: QueryHandler, limits: Partial<TcpLimits> = {}): TestDependencies {
  const reports: ListenerReports = { connections: [], rejected: 0, sendsFailed: 0, batchEnds: 0, errors: [] };
  const deps: ListenerDependencies = {
    handler,
    limits: { ...TCP_LIMITS, ...limits },
    onConnections: (change) => void reports.connections.push(change),
    onRejected: () => void reports.rejected++,
    onSendFailed: () => void reports.sendsFailed++,
    onBatchEnd: () => void reports.batchEnds++,
    onError: (error) => void reports.errors.push(error),
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

const bound: Listener[] = [];

export async function track(listener: Promise<Listener>): Promise<Listener> {
  bound.push(await listener);
  return listener;
}

/** For afterEach. */
export async function closeListeners(): Promise<void> {
  await Promise.all(bound.splice(0).map((listener) => listener.close()));
}
