/**
 * What upstream-pool.ts asks of a way to carry queries (upstreams.ts lists them), and what it is told in return.
 * A transport matches responses to attempts and manages its sockets; what an outcome means is the pool's business.
 */
import type { Attempt } from './exchange.ts';

export interface Transport {
  /** Sends the attempt's query and waits. False: it cannot be sent now (no socket, too many waiting). */
  send(attempt: Attempt, nowMs: number): boolean;
  /** Takes no more queries; closes each socket when nothing waits on it. */
  retire(): void;
  /** Closes everything at once; attempts that wait are forgotten. */
  close(): void;
}

/** The attempt has been released before either of the first two is called. None is called from within send. */
export interface TransportEvents {
  /** A response with the right id on the right socket. `match`: ResponseMatch yes or otherCase. */
  onResponse(attempt: Attempt, match: number, bytes: Uint8Array, start: number, end: number, isOwned: boolean): void;
  /** The network failed it; `isRefused` where the upstream's port is closed. */
  onFailure(attempt: Attempt, isRefused: boolean): void;
  /** A message came that nobody waits for. `slot`: the upstream's. */
  onStranger(slot: number): void;
  /** So many strangers on one socket that someone must be guessing: this attempt should not go on waiting there. */
  onUnderAttack(attempt: Attempt): void;
}
