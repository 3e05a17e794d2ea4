/**
 * Certificates for blocked names on a managed network: made when a name is first asked for, kept until half their life
 * is over, bounded in number and in how many are made a second. One key serves all of them; it lives in this thread's
 * memory and is never written down.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { wallClockMs } from '../../clock.ts';
import { RateLimiter } from '../admin/rate-limiter.ts';
import { LEAF_LIFE_MS, makeLeaf } from './leaf-certificate.ts';
import type { Authority } from './leaf-certificate.ts';

export const CERTIFICATES_MAX = 1000;

export interface CertificateEvents {
  onMade(): void;
  /** More were asked for in this second than may be made. */
  onRefused(): void;
}

interface Kept {
  readonly context: SecureContext;
  readonly renewAtMs: number;
}

export class CertificateStore {
  readonly #authority: Authority;
  readonly #events: CertificateEvents;
  readonly #nowMs: () => number;
  readonly #limit: RateLimiter;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #keyPem = this.#keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();

  constructor(
    authority: Authority,
    certificatesPerSecondMax: number,
    events: CertificateEvents,
    nowMs: () => number = wallClockMs,
  ) {
    this.#authority = authority;
    this.#events = events;
    this.#nowMs = nowMs;
    this.#limit = new RateLimiter({ burst: certificatesPerSecondMax, perSecond: certificatesPerSecondMax, keysMax: 1 });
  }

  get size(): number {
    return this.#kept.size;
  }

  /** What to serve a blocked name with; undefined where too many were made just now. */
  contextFor(name: string): SecureContext | undefined {
    const nowMs = this.#nowMs();
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (kept !== undefined && nowMs < kept.renewAtMs) {
      this.#kept.set(name, kept);
      return kept.context;
    }
    if (!this.#limit.take('', nowMs)) {
      this.#events.onRefused();
      return undefined;
    }
    const leaf = makeLeaf(this.#authority, this.#keys.publicKey, name, nowMs);
    const context = createSecureContext({ key: this.#keyPem, cert: leaf + this.#authority.certificatePem });
    this.#kept.set(name, { context, renewAtMs: nowMs + LEAF_LIFE_MS / 2 });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= CERTIFICATES_MAX) break;
      this.#kept.delete(oldest);
    }
    this.#events.onMade();
    return context;
  }
}
