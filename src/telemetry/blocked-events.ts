/**
 * Blocked lookups on their way from a resolver thread to the event log: a ring of fixed records in shared memory, one
 * for each resolver thread, one writer and one reader. The writer allocates nothing and never waits: where the reader is
 * behind, the event is counted as dropped. The client's address is in the ring for the moment until it is read.
 *
 * A record: time (Float64, milliseconds since 1970), version and entry hash (Uint32), row of the list, category, action,
 * transport, octets of the name, 1 spare, row of the client's region and 1 (Uint16; 0: none), client (16 octets), name in
 * wire format.
 */
import { NAME_BYTES_MAX, nameToText } from '../dns/name.ts';
import { ADDRESS_BYTES } from '../policy/address.ts';

const EVENT_BYTES = 296;
/** Events that may wait: at 50 reads a second, room for 200,000 blocked lookups a second and thread. */
export const EVENTS_MAX = 4096;
const HEADER_BYTES = 128;
const LIST_AT = 16;
const REGION_AT = 22;
const CLIENT_AT = 24;
const NAME_AT = CLIENT_AT + ADDRESS_BYTES;

/** In the place of a region's row: no group has a region. */
export const NO_REGION_ROW = -1;

export interface BlockedEvent {
  readonly atMs: number;
  readonly version: number;
  readonly entryHash: number;
  /** PublishedList.counterSlot. */
  readonly listSlot: number;
  readonly categoryIndex: number;
  readonly actionIndex: number;
  /** Row of TRANSPORTS. */
  readonly transport: number;
  /** Row of the counters, or NO_REGION_ROW. */
  readonly regionRow: number;
  /** 16 octets; IPv4 as ::ffff:a.b.c.d. All 0: not known. */
  readonly client: Uint8Array;
  /** As text, lower case. */
  readonly name: string;
}

export function createEventRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + EVENTS_MAX * EVENT_BYTES);
}

/** Both sides' view: `positions` counts events written, and a cache line of 64 octets away those read and those settled. */
class EventRing {
  protected readonly positions: Uint32Array;
  protected readonly bytes: Uint8Array;
  protected readonly view: DataView;

  constructor(ring: SharedArrayBuffer) {
    this.positions = new Uint32Array(ring, 0, HEADER_BYTES / 4);
    this.bytes = new Uint8Array(ring);
    this.view = new DataView(ring);
  }
}

const WRITTEN = 0;
const READ = 16;
/** Events read whose fate is in the counters. */
const SETTLED = 17;

export class EventRingWriter extends EventRing {
  /**
   * Writes one event; false where the ring is full.
   * @param name wire-format name at `nameStart`, of `nameBytes` octets
   * Cost: one copy of the name; allocates nothing.
   */
  write(
    atMs: number,
    version: number,
    entryHash: number,
    listSlot: number,
    categoryIndex: number,
    actionIndex: number,
    transport: number,
    regionRow: number,
    client: Uint8Array | undefined,
    name: Uint8Array,
    nameStart: number,
    nameBytes: number,
  ): boolean {
    const written = Atomics.load(this.positions, WRITTEN);
    if ((written - Atomics.load(this.positions, READ)) >>> 0 >= EVENTS_MAX) return false;
    const at = HEADER_BYTES + (written % EVENTS_MAX) * EVENT_BYTES;
    const { view, bytes } = this;
    view.setFloat64(at, atMs, true);
    view.setUint32(at + 8, version, true);
    view.setUint32(at + 12, entryHash, true);
    bytes[at + LIST_AT] = listSlot;
    bytes[at + LIST_AT + 1] = categoryIndex;
    bytes[at + LIST_AT + 2] = actionIndex;
    bytes[at + LIST_AT + 3] = transport;
    const copied = nameBytes > NAME_BYTES_MAX ? 0 : nameBytes;
    bytes[at + LIST_AT + 4] = copied;
    view.setUint16(at + REGION_AT, regionRow + 1, true);
    for (let i = 0; i < ADDRESS_BYTES; i++) bytes[at + CLIENT_AT + i] = client === undefined ? 0 : client[i]!;
    for (let i = 0; i < copied; i++) bytes[at + NAME_AT + i] = name[nameStart + i]!;
    // Why last: the reader sees whole events only.
    Atomics.store(this.positions, WRITTEN, (written + 1) >>> 0);
    return true;
  }
}

export class EventRingReader extends EventRing {
  /** Events that were taken and not settled: by a thread that has died since. */
  get unsettled(): number {
    return (Atomics.load(this.positions, READ) - Atomics.load(this.positions, SETTLED)) >>> 0;
  }

  /** What has been taken is written, or counted as lost. */
  settle(): void {
    Atomics.store(this.positions, SETTLED, Atomics.load(this.positions, READ));
  }

  /** Takes up to `eventsMax` events, oldest first; returns how many. `take` may throw: the rest stays. */
  drain(eventsMax: number, take: (event: BlockedEvent) => void): number {
    const written = Atomics.load(this.positions, WRITTEN);
    let read = Atomics.load(this.positions, READ);
    let count = 0;
    while (read !== written && count < eventsMax) {
      const event = this.#event(HEADER_BYTES + (read % EVENTS_MAX) * EVENT_BYTES);
      read = (read + 1) >>> 0;
      Atomics.store(this.positions, READ, read);
      count++;
      take(event);
    }
    return count;
  }

  #event(at: number): BlockedEvent {
    const { view, bytes } = this;
    // Why copied: the slot is the writer's again as soon as it is given back.
    const name = bytes.slice(at + NAME_AT, at + NAME_AT + bytes[at + LIST_AT + 4]!);
    return {
      atMs: view.getFloat64(at, true),
      version: view.getUint32(at + 8, true),
      entryHash: view.getUint32(at + 12, true),
      listSlot: bytes[at + LIST_AT]!,
      categoryIndex: bytes[at + LIST_AT + 1]!,
      actionIndex: bytes[at + LIST_AT + 2]!,
      transport: bytes[at + LIST_AT + 3]!,
      regionRow: view.getUint16(at + REGION_AT, true) - 1,
      client: bytes.slice(at + CLIENT_AT, at + NAME_AT),
      name: nameToText(name, 0).toLowerCase(),
    };
  }
}
