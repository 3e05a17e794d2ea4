/**
 * What one resolver thread is given at its making and its successor is given again: shared memory, read by other threads,
 * and the secret that all threads have alike.
 */
import { randomBytes } from 'node:crypto';
import { SIP_KEY_BYTES } from '../dns/sip-hash.ts';
import { createChainTable } from '../telemetry/blocked-chains.ts';
import { createEventRing } from '../telemetry/blocked-events.ts';
import { createCounters } from '../telemetry/counters.ts';

/** Why one: a client may meet another thread the next time. */
const COOKIE_SECRET = randomBytes(SIP_KEY_BYTES);

export interface ResolverMemory {
  /** For server cookies where none is configured. */
  readonly cookieSecret: Uint8Array;
  readonly counters: SharedArrayBuffer;
  /** For the warning page: names blocked by what they lead to. */
  readonly chains: SharedArrayBuffer;
  /** For the event log; undefined where it is off. */
  readonly events: SharedArrayBuffer | undefined;
}

export function createResolverMemory(isEventLogOn: boolean): ResolverMemory {
  return {
    cookieSecret: COOKIE_SECRET,
    counters: createCounters(),
    chains: createChainTable(),
    events: isEventLogOn ? createEventRing() : undefined,
  };
}
