/**
 * Which row of the shared counters belongs to which list, or region of clients: stable for the life of the process, so
 * that a reload never makes one's count jump into another's. A row is used again only when every row has been given out.
 */
import type { Config, ConfiguredGroup } from '../config/config.ts';
import { NO_REGION } from '../telemetry/counter-labels.ts';
import { LIST_SLOTS, REGION_SLOTS } from '../telemetry/counters.ts';

export class CounterSlots {
  readonly #slots = new Map<string, number>();
  readonly #what: string;
  readonly #slotsMax: number;

  /** @param what for an error: several of them */
  constructor(what: string, slotsMax: number) {
    this.#what = what;
    this.#slotsMax = slotsMax;
  }

  /** Gives a row to each one of a configuration that has none yet. */
  assign(names: readonly string[]): void {
    for (const name of names) {
      if (this.#slots.has(name)) continue;
      this.#slots.set(name, this.#free(names));
    }
  }

  #free(wanted: readonly string[]): number {
    const taken = new Set(this.#slots.values());
    for (let slot = 0; slot < this.#slotsMax; slot++) if (!taken.has(slot)) return slot;
    for (const [name, slot] of this.#slots) {
      if (wanted.includes(name)) continue;
      this.#slots.delete(name);
      return slot;
    }
    throw new Error(`more than ${this.#slotsMax} ${this.#what}`);
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.#slots);
  }
}

/** Those that need a row; none where no group has a region. */
export function regionsOf(groups: readonly Pick<ConfiguredGroup, 'region'>[]): string[] {
  const regions = new Set(groups.flatMap(({ region }) => region ?? []));
  return regions.size === 0 ? [] : [NO_REGION, ...regions];
}

/** Of everything in a configuration that has counters of its own. */
export class ConfigSlots {
  readonly #lists = new CounterSlots('lists', LIST_SLOTS);
  readonly #regions = new CounterSlots('regions', REGION_SLOTS);

  assign({ lists, clients }: Pick<Config, 'lists' | 'clients'>): void {
    this.#lists.assign(lists.map(({ name }) => name));
    this.#regions.assign(regionsOf(clients.groups));
  }

  /** As threads are told of them. */
  get rows() {
    return { listSlots: this.#lists.all(), regionSlots: this.#regions.all() };
  }
}
