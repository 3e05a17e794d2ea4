/**
 * What one resolver thread is given at its making and its successor is given again: shared memory, read by other threads,
 * and the secret that all threads have alike.
 */
import { randomBytes } from 'node:crypto';
import { SIP_KEY_BYTES } from '../dns/sip-hash.ts';
import type { Config } from '../config/config.ts';
import { createChainTable } from '../telemetry/blocked-chains.ts';
import { createEventRing } from '../telemetry/blocked-events.ts';
import { createCounters } from '../telemetry/counters.ts';
import { createQuerySketch, seedOf } from '../telemetry/query-sketch.ts';
import { readQuerySketch, sketchPath } from '../telemetry/query-sketch-file.ts';

/** Why one: a client may meet another thread the next time. */
const COOKIE_SECRET = randomBytes(SIP_KEY_BYTES);

export interface ResolverMemory {
  /** For server cookies where none is configured. */
  readonly cookieSecret: Uint8Array;
  readonly counters: SharedArrayBuffer;
  /** For the warning page: names blocked by what they lead to. */
  readonly chains: SharedArrayBuffer;
  /** How often names are asked for, for the guard of lists. */
  readonly sketch: SharedArrayBuffer;
  /** For the event log; undefined where it is off. */
  readonly events: SharedArrayBuffer | undefined;
}

export interface ResolverMemories {
  /** One for each thread. */
  readonly resolvers: readonly ResolverMemory[];
  /** What earlier processes have counted, and what each thread counts. */
  readonly sketches: readonly SharedArrayBuffer[];
}

/** Reads the file of the sketch. */
export function createResolverMemories({ workers, eventLog, stateDirectory }: Config): ResolverMemories {
  const before = readQuerySketch(sketchPath(stateDirectory));
  const resolvers = Array.from({ length: workers }, () => ({
    cookieSecret: COOKIE_SECRET,
    counters: createCounters(),
    chains: createChainTable(),
    sketch: createQuerySketch(seedOf(before)),
    events: eventLog.file === '' ? undefined : createEventRing(),
  }));
  return { resolvers, sketches: [before, ...resolvers.map(({ sketch }) => sketch)] };
}
