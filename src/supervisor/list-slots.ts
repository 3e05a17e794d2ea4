/**
 * Which row of the shared counters belongs to which list: stable for the life of the process, so that a reload never
 * makes one list's count jump into another's. A row is used again only when every row has been given out.
 */
import { LIST_SLOTS } from '../telemetry/counters.ts';

export class ListSlots {
  readonly #slots = new Map<string, number>();

  /** Gives a row to every list of a configuration that has none yet. */
  assign(names: readonly string[]): void {
    for (const name of names) {
      if (this.#slots.has(name)) continue;
      this.#slots.set(name, this.#free(names));
    }
  }

  #free(wanted: readonly string[]): number {
    const taken = new Set(this.#slots.values());
    for (let slot = 0; slot < LIST_SLOTS; slot++) if (!taken.has(slot)) return slot;
    for (const [name, slot] of this.#slots) {
      if (wanted.includes(name)) continue;
      this.#slots.delete(name);
      return slot;
    }
    throw new Error(`more than ${LIST_SLOTS} lists`);
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.#slots);
  }
}
