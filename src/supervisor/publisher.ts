/**
 * Brings a published policy to every thread that reads it and says when it is in force on all of them. Keeps the last
 * one, so that a replaced thread begins with it, whatever the control plane is doing. Invariants 1 and 5.
 */
import type { PublishedPolicy } from '../policy/published.ts';

export interface PolicyReader {
  readonly name: string;
  readonly isAlive: boolean;
  post(message: { readonly kind: 'policy'; readonly policy: PublishedPolicy }): void;
}

interface Publication {
  readonly generation: number;
  readonly waitingFor: Set<string>;
  readonly resolve: () => void;
}

export class Publisher {
  #current: PublishedPolicy | undefined;
  #generation = 0;
  #open: Publication[] = [];
  readonly #readers: () => readonly PolicyReader[];

  constructor(readers: () => readonly PolicyReader[]) {
    this.#readers = readers;
  }

  /** Of the last policy published; 0 before the first. */
  get generation(): number {
    return this.#generation;
  }

  get current(): PublishedPolicy | undefined {
    return this.#current;
  }

  /**
   * Resolves when the policy is in force on every living reader. Generations are given here, so that they only grow.
   * Why without a time limit: the buffers of the policy before are used again afterwards. A reader that is blocked is
   * replaced by its watch, which ends the wait.
   */
  publish(policy: PublishedPolicy): Promise<void> {
    const generation = ++this.#generation;
    const numbered = { ...policy, generation };
    this.#current = numbered;
    const readers = this.#readers().filter((reader) => reader.isAlive);
    if (readers.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const publication: Publication = {
        generation,
        waitingFor: new Set(readers.map(({ name }) => name)),
        resolve,
      };
      this.#open.push(publication);
      for (const reader of readers) reader.post({ kind: 'policy', policy: numbered });
    });
  }

  acknowledge(reader: string, generation: number): void {
    for (const publication of this.#open)
      if (publication.generation <= generation) publication.waitingFor.delete(reader);
    this.#settle();
  }

  /** A reader that died: its successor begins with the current policy. */
  forget(reader: string): void {
    for (const publication of this.#open) publication.waitingFor.delete(reader);
    this.#settle();
  }

  #settle(): void {
    for (const publication of this.#open) if (publication.waitingFor.size === 0) this.#close(publication);
  }

  #close(publication: Publication): void {
    this.#open = this.#open.filter((open) => open !== publication);
    publication.resolve();
  }
}
