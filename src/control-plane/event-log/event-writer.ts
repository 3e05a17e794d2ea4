/**
 * Carries blocked queries from the resolver threads' rings to the file: a few times a second, so many at a time, in
 * turn. Whatever becomes of the disk, the rings are emptied and what could not be written is counted; what a thread before
 * this one had taken when it died is counted by the next.
 */
import { EventDropRow } from '../../telemetry/counter-labels.ts';
import type { EventRingReader } from '../../telemetry/blocked-events.ts';
import { Counter } from '../../telemetry/counters.ts';
import type { ClientDigest } from './client-digest.ts';
import { eventLine } from './event-line.ts';
import type { RotatingFile } from './rotating-file.ts';

/** Of one ring, before the next has its turn and the lines are written. */
const EVENTS_A_TURN_MAX = 1024;

export interface EventWriterOptions {
  readonly rings: readonly EventRingReader[];
  readonly file: RotatingFile;
  readonly clients: ClientDigest;
  /** Name of the list in a row of the counters; '' where there is none. */
  readonly listName: (slot: number) => string;
  /** Likewise of a region; undefined for NO_REGION_ROW. */
  readonly regionName: (row: number) => string | undefined;
  readonly cells: Float64Array;
  readonly onFailure: (error: NodeJS.ErrnoException) => void;
}

export class EventWriter {
  readonly #options: EventWriterOptions;

  constructor(options: EventWriterOptions) {
    this.#options = options;
    for (const ring of options.rings) {
      options.cells[Counter.eventsDropped + EventDropRow.threadDied]! += ring.unsettled;
      ring.settle();
    }
  }

  /** One turn of every ring; whether there is more. */
  pump(nowMs: number): boolean {
    let isMore = false;
    const { rings, listName, regionName, clients } = this.#options;
    for (const ring of rings) {
      const lines: string[] = [];
      const taken = ring.drain(EVENTS_A_TURN_MAX, (event) => {
        const client = clients.of(event.client, nowMs);
        lines.push(eventLine(event, listName(event.listSlot), regionName(event.regionRow), client));
      });
      if (taken > 0) this.#write(lines, nowMs);
      ring.settle();
      isMore ||= taken === EVENTS_A_TURN_MAX;
    }
    return isMore;
  }

  #write(lines: readonly string[], nowMs: number): void {
    const { file, cells, onFailure } = this.#options;
    const failure = file.append(lines.join(''), nowMs);
    if (failure === undefined) cells[Counter.eventsWritten]! += lines.length;
    else {
      cells[Counter.eventsDropped + EventDropRow.writeFailed]! += lines.length;
      onFailure(failure);
    }
  }
}
