/**
 * Leaves word of blocks where other threads find it, in shared memory: of names that were blocked by what they lead to
 * (for the warning page), and, where the event log is on, of every blocked query. Called by respond.ts before the answer
 * is written, for the answer is written over the query. Waits for nobody and allocates nothing.
 */
import { nameBytes } from '../dns/name.ts';
import type { QueryView } from '../dns/query-view.ts';
import { entryHash32 } from '../policy/name-hash.ts';
import type { PolicyMatch } from '../policy/policy.ts';
import { ChainTableWriter } from '../telemetry/blocked-chains.ts';
import { EventRingWriter } from '../telemetry/blocked-events.ts';
import { EventDropRow } from '../telemetry/counter-labels.ts';
import { Counter } from '../telemetry/counters.ts';

export class BlockRecorder {
  /** Whether blocked queries are recorded, and clients must be remembered with those that wait. */
  readonly keepsEvents: boolean;
  readonly #chains: ChainTableWriter;
  readonly #events: EventRingWriter | undefined;
  readonly #samplePercent: number;
  readonly #cells: Float64Array;

  /** @param events undefined: the event log is off */
  constructor(
    chains: SharedArrayBuffer,
    events: SharedArrayBuffer | undefined,
    samplePercent: number,
    cells: Float64Array,
  ) {
    this.#chains = new ChainTableWriter(chains);
    this.#events = events === undefined ? undefined : new EventRingWriter(events);
    this.keepsEvents = events !== undefined;
    this.#samplePercent = samplePercent;
    this.#cells = cells;
  }

  /** The question's name leads to the name that `match` is about. */
  chain(query: QueryView, match: PolicyMatch, nowSeconds: number): void {
    this.#chains.write(
      query.bytes,
      query.qnameStart,
      query.qnameBytes,
      match.bytes,
      match.nameStart,
      nameBytes(match.bytes, match.nameStart),
      nowSeconds,
    );
  }

  /** The query is blocked by `match`. */
  event(
    query: QueryView,
    match: PolicyMatch,
    atMs: number,
    transport: number,
    regionRow: number,
    client: Uint8Array | undefined,
  ): void {
    if (this.#events === undefined) return;
    if (this.#samplePercent < 100 && Math.random() * 100 >= this.#samplePercent) return;
    const isWritten = this.#events.write(
      atMs,
      match.list.version,
      entryHash32(match.bytes, match.entryStart),
      match.list.counterSlot,
      match.categoryIndex,
      match.actionIndex,
      transport,
      regionRow,
      client,
      query.bytes,
      query.qnameStart,
      query.qnameBytes,
    );
    if (!isWritten) this.#cells[Counter.eventsDropped + EventDropRow.ringFull]!++;
  }
}
