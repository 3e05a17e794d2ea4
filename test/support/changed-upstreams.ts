/** A change of upstreams while a question is under way, for tests of what becomes of it. */
import type { UpstreamOutcome } from '../../src/data-plane/upstream/upstream.ts';
import { type FakeQuery, type FakeUpstream, startFakeUpstream } from './fake-upstream.ts';
import { ask, openPool, PATIENT, type Settings, type TestPool, track, upstreamConfig } from './upstream-harness.ts';

export interface ChangedUpstreams {
  /** The upstream that was asked and is configured no more. It says nothing by itself. */
  readonly old: FakeUpstream;
  /** What it was asked. */
  readonly asked: FakeQuery;
  readonly pool: TestPool;
  /** What becomes of the question. */
  readonly outcome: Promise<UpstreamOutcome>;
}

/** Asks a pool of one upstream for old.example.com, and then gives it these instead. */
export async function changeUpstreams(
  next: readonly FakeUpstream[],
  settings: Partial<Settings> = {},
): Promise<ChangedUpstreams> {
  const old = track(await startFakeUpstream(() => undefined));
  const pool = openPool([old], settings);
  const outcome = ask(pool, 'old.example.com');
  await old.received(1);
  configureUpstreams(pool, next, settings);
  return { old, asked: old.queries[0]!, pool, outcome };
}

/** Gives a pool these upstreams instead of those it has. */
export function configureUpstreams(
  pool: TestPool,
  next: readonly FakeUpstream[],
  settings: Partial<Settings> = {},
): void {
  const configs = next.map((upstream) => upstreamConfig(upstream));
  pool.reconfigure(configs, { ...PATIENT, ...settings }, { udpPayloadBytes: 1232 });
}
