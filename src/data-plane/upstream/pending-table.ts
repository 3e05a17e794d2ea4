/**
 * The queries of one socket that wait for a response, by message id: open addressing with linear probing, so that
 * waiting costs no allocation. One table for each UDP socket or TCP connection; it must only see ids we drew.
 */
const CAPACITY_MIN = 64;
/** Half of all ids: beyond it drawing a free one would take many tries. */
export const PENDING_PER_SOCKET_MAX = 32_768;

export class PendingTable<T extends object> {
  #ids = new Uint16Array(CAPACITY_MIN);
  #entries: (T | undefined)[] = Array.from<T | undefined>({ length: CAPACITY_MIN }).fill(undefined);
  #mask = CAPACITY_MIN - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Cost: one probe nearly always. Why no hash: ids are random already, and an outsider cannot choose them. */
  get(id: number): T | undefined {
    let slot = id & this.#mask;
    for (;;) {
      const entry = this.#entries[slot];
      if (entry === undefined || this.#ids[slot] === id) return entry;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** Adds an entry; the id must be free (get() is undefined) and the table below PENDING_PER_SOCKET_MAX. */
  add(id: number, entry: T): void {
    if (this.#size * 2 >= this.#entries.length) this.#grow();
    this.#place(id, entry);
    this.#size++;
  }

  /** Removes an id if it is there, and closes the gap, so that no tombstones build up. */
  remove(id: number): void {
    const mask = this.#mask;
    let gap = id & mask;
    while (this.#entries[gap] !== undefined && this.#ids[gap] !== id) gap = (gap + 1) & mask;
    if (this.#entries[gap] === undefined) return;
    this.#size--;
    let slot = gap;
    for (;;) {
      slot = (slot + 1) & mask;
      const entry = this.#entries[slot];
      if (entry === undefined) break;
      const home = this.#ids[slot]! & mask;
      if (((slot - home) & mask) >= ((slot - gap) & mask)) {
        this.#entries[gap] = entry;
        this.#ids[gap] = this.#ids[slot]!;
        gap = slot;
      }
    }
    this.#entries[gap] = undefined;
  }

  /** The entries as a list of their own, for callers that change the table while they walk it. */
  list(): T[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  #place(id: number, entry: T): void {
    let slot = id & this.#mask;
    while (this.#entries[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#ids[slot] = id;
    this.#entries[slot] = entry;
  }

  #grow(): void {
    const ids = this.#ids;
    const entries = this.#entries;
    const capacity = entries.length * 2;
    this.#ids = new Uint16Array(capacity);
    this.#entries = Array.from<T | undefined>({ length: capacity }).fill(undefined);
    this.#mask = capacity - 1;
    for (const [slot, entry] of entries.entries()) {
      if (entry !== undefined) this.#place(ids[slot]!, entry);
    }
  }
}
