/**
 * Names that are let through for the clients of one prefix until a given second, whatever lists say: for who has to reach
 * a blocked site, an investigator or the wrongly blocked while an appeal is looked at. The judge asks only where a list
 * would block the name or watch it; nobody outside the prefix is affected.
 */
import { ANYONE } from './audience.ts';
import { prefixCovers } from './client-prefix.ts';
import { hashName } from './name-hash.ts';
import { equalsStored } from './name-set.ts';
import type { PublishedException } from './published.ts';

export class ClientExceptions {
  /** Whether the last `find` met an exception for the name, be it for others or over. */
  wasNamed = false;
  /** By the hash of their name. */
  readonly #byHash = new Map<number, PublishedException[]>();

  /** @param seed of the hashes that `find` is given */
  constructor(exceptions: readonly PublishedException[], seed: number) {
    for (const exception of exceptions) {
      const hash = hashName(exception.name, 0, seed);
      if (hash === undefined) continue;
      const others = this.#byHash.get(hash);
      if (others === undefined) this.#byHash.set(hash, [exception]);
      else others.push(exception);
    }
  }

  get isEmpty(): boolean {
    return this.#byHash.size === 0;
  }

  /**
   * The exception that lets the client through to the name, the most specific first.
   * @param hashes of the name's suffixes, as hashSuffixes has them
   * Cost: a look-up a label.
   */
  find(
    bytes: Uint8Array,
    nameStart: number,
    labelStarts: Uint8Array,
    labelCount: number,
    hashes: Uint32Array,
    nowSeconds: number,
    client: Uint8Array | undefined,
  ): PublishedException | undefined {
    this.wasNamed = false;
    if (this.isEmpty) return undefined;
    const isKnown = client !== undefined && client !== ANYONE;
    for (let label = 0; label < labelCount; label++) {
      const candidates = this.#byHash.get(hashes[label]!);
      if (candidates === undefined) continue;
      const start = nameStart + labelStarts[label]!;
      for (const exception of candidates) {
        if (label > 0 && exception.scope === 'exact') continue;
        if (!equalsStored(exception.name, 0, bytes, start)) continue;
        this.wasNamed = true;
        if (isKnown && isOpen(exception, nowSeconds) && prefixCovers(exception.clients, client)) return exception;
      }
    }
    return undefined;
  }
}

/** An exception lives up to its end, exclusive. */
export function isOpen({ untilSeconds }: PublishedException, nowSeconds: number): boolean {
  return nowSeconds < untilSeconds;
}
