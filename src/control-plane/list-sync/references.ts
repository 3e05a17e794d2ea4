/**
 * Who uses what: a thing that nobody holds any more is handed to `onFree`, once. Memory that is shared with another
 * thread and used again must not be freed by a guess at which jobs have ended.
 */
export class References<T extends object> {
  readonly #counts = new Map<T, number>();
  readonly #onFree: (thing: T) => void;

  constructor(onFree: (thing: T) => void) {
    this.#onFree = onFree;
  }

  hold(things: readonly T[]): void {
    for (const thing of things) this.#counts.set(thing, (this.#counts.get(thing) ?? 0) + 1);
  }

  isHeld(thing: T): boolean {
    return this.#counts.has(thing);
  }

  /** Of what was held; each hold is released once. */
  release(things: readonly T[]): void {
    for (const thing of things) {
      const count = this.#counts.get(thing);
      if (count === undefined) continue;
      if (count > 1) this.#counts.set(thing, count - 1);
      else {
        this.#counts.delete(thing);
        this.#onFree(thing);
      }
    }
  }
}
