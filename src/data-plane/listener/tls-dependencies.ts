/** What the listeners inside TLS need beside what every listener does; counts are by row of TLS_TRANSPORTS. */
import type { DohStatus } from '../../telemetry/counter-labels.ts';
import { Counter, dohResponseCounter, handshakeCounter } from '../../telemetry/counters.ts';
import { ConnectionCount, type ConnectionLimits } from './connection-count.ts';
import type { TlsContext } from './tls-server.ts';

export interface TlsDependencies {
  readonly context: TlsContext;
  /** Of DoT and DoH; looked at anew for each connection and message. */
  readonly limits: ConnectionLimits;
  /** Shared by all DoT and DoH listeners of a thread. */
  readonly connectionCount: ConnectionCount;
  readonly onConnections: (transport: number, change: number) => void;
  readonly onRejected: (transport: number) => void;
  /** HandshakeRow: how a handshake ended. */
  readonly onHandshake: (transport: number, row: number) => void;
  readonly onResponse: (status: DohStatus) => void;
  /** DohCutRow. */
  readonly onCut: (row: number) => void;
}

/** Those of a resolver thread, which counts in `cells`. */
export function tlsDependencies(context: TlsContext, limits: ConnectionLimits, cells: Float64Array): TlsDependencies {
  return {
    context,
    limits,
    connectionCount: new ConnectionCount(),
    onConnections: (transport, change) => void (cells[Counter.tlsConnectionsOpen + transport]! += change),
    onRejected: (transport) => void cells[Counter.tlsConnectionsRejected + transport]!++,
    onHandshake: (transport, row) => void cells[handshakeCounter(transport, row)]!++,
    onResponse: (status) => void cells[dohResponseCounter(status)]!++,
    onCut: (row) => void cells[Counter.dohCuts + row]!++,
  };
}
