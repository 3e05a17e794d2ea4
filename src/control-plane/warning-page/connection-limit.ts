/**
 * Keeps connections to the warning page bounded, so that nobody can take the page from everybody else by opening many
 * and sending nothing: so many a client; beyond the total, the one that has been silent for longest makes room. In
 * front of the HTTP server and of the TLS listener.
 */
import type { Socket } from 'node:net';
import { clientKey } from './client-key.ts';

export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerClientMax: number;
}

export class ConnectionLimit {
  limits: ConnectionLimits;
  readonly #onRejected: () => void;
  /** Oldest first; a connection that has sent a request moves to the end. */
  readonly #open = new Set<Socket>();
  readonly #byClient = new Map<string, number>();

  constructor(limits: ConnectionLimits, onRejected: () => void) {
    this.limits = limits;
    this.#onRejected = onRejected;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Takes a new connection in; false: it has been closed. */
  admit(socket: Socket): boolean {
    const key = clientKey(socket.remoteAddress);
    const ofClient = this.#byClient.get(key) ?? 0;
    if (ofClient >= this.limits.connectionsPerClientMax) {
      this.#onRejected();
      socket.destroy();
      return false;
    }
    if (this.#open.size >= this.limits.connectionsMax) this.#closeOldest();
    this.#open.add(socket);
    this.#byClient.set(key, ofClient + 1);
    socket.once('close', () => {
      this.#open.delete(socket);
      const left = (this.#byClient.get(key) ?? 1) - 1;
      if (left === 0) this.#byClient.delete(key);
      else this.#byClient.set(key, left);
    });
    return true;
  }

  /** A request has come by it. */
  touch(socket: Socket): void {
    if (this.#open.delete(socket)) this.#open.add(socket);
  }

  /** `secure` speaks TLS on the admitted `plain`: requests come by it, and it is closed in its place. */
  secured(plain: Socket, secure: Socket): void {
    if (!this.#open.delete(plain)) return;
    this.#open.add(secure);
    secure.once('close', () => this.#open.delete(secure));
  }

  #closeOldest(): void {
    for (const oldest of this.#open) {
      this.#onRejected();
      this.#open.delete(oldest);
      oldest.destroy();
      return;
    }
  }
}
