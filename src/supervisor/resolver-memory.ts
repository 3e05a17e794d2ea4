/** The shared memory of one resolver thread: made once, kept when the thread is replaced, read by other threads. */
import { createChainTable } from '../telemetry/blocked-chains.ts';
import { createEventRing } from '../telemetry/blocked-events.ts';
import { createCounters } from '../telemetry/counters.ts';

export interface ResolverMemory {
  readonly counters: SharedArrayBuffer;
  /** For the warning page: names blocked by what they lead to. */
  readonly chains: SharedArrayBuffer;
  /** For the event log; undefined where it is off. */
  readonly events: SharedArrayBuffer | undefined;
}

export function createResolverMemory(isEventLogOn: boolean): ResolverMemory {
  return {
    counters: createCounters(),
    chains: createChainTable(),
    events: isEventLogOn ? createEventRing() : undefined,
  };
}
