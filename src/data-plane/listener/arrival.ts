/**
 * One query as a listener hands it to the query path, and the way back. A listener owns one Arrival and refills it for
 * every message; the query path answers in place (a length), drops (0), or keeps the way back and answers later (-1).
 */

/** What the query path returns beside a positive length. */
export const DROPPED = 0;
export const ANSWERED_LATER = -1;

/** The way back to one client for a response that comes after the arrival has been reused. */
export interface ReplyPath {
  /** Sends the first `length` octets, once. They may be overwritten when it returns. */
  send(bytes: Uint8Array, length: number): void;
  /** There will be no response. */
  abandon(): void;
}

export interface Arrival {
  /** The response may overwrite what lies from `start` on, as far as the largest that the configuration allows. */
  readonly bytes: Buffer;
  start: number;
  end: number;
  /** Row of TRANSPORTS and of FAMILIES (telemetry/counter-labels.ts). */
  readonly transport: number;
  readonly family: number;
  /** 16 octets; IPv4 as ::ffff:a.b.c.d. */
  readonly client: Uint8Array;
  /** Monotonic; read once a wake-up. Units: milliseconds. */
  receivedAtMs: number;
  readonly isLate: false;
  /** Called only when the answer comes later. */
  keepReplyPath(): ReplyPath;
}

export type QueryHandler = (arrival: Arrival) => number;

/** A bound listener of any kind. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Leaves what is new to another process on the same port; what is here already is still taken and answered. */
  leave(): void;
  /** No other process is leaving this port any more. */
  stay(): void;
  /** Stops accepting; what is in flight may still be answered. */
  stop(): void;
  /** Closes everything. */
  close(): Promise<void>;
}
