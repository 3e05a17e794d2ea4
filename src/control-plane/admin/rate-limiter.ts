/**
 * Token buckets by key: so many at once, so many a second after that. Bounded: the key that was used longest ago makes
 * room, which can only be to a caller's advantage.
 */

export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
  readonly keysMax: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Takes one; false where there is none. */
  take(key: string, nowMs: number): boolean {
    const bucket = this.#bucket(key, nowMs);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Whether there is one to take. */
  has(key: string, nowMs: number): boolean {
    return !this.#buckets.has(key) || this.#bucket(key, nowMs).tokens >= 1;
  }

  /** Units: whole seconds until there is one. */
  waitSeconds(key: string, nowMs: number): number {
    const missing = 1 - this.#bucket(key, nowMs).tokens;
    return Math.max(1, Math.ceil(missing / this.#limit.perSecond));
  }

  #bucket(key: string, nowMs: number): Bucket {
    const { burst, perSecond, keysMax } = this.#limit;
    const before = this.#buckets.get(key);
    const bucket = before ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > keysMax) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket;
  }
}
