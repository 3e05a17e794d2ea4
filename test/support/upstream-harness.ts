/** An upstream pool in front of fake upstreams, with its counters read back, for tests. */
import type { Config } from '../../src/config/config.ts';
import { RecordType } from '../../src/dns/iana.ts';
import { createCounters, upstreamCounter } from '../../src/telemetry/counters.ts';
import { UPSTREAM_OUTCOMES } from '../../src/telemetry/counter-labels.ts';
import type { UpstreamOutcome, UpstreamQuestion, UpstreamReceiver } from '../../src/data-plane/upstream/upstream.ts';
import { createUpstreamPool, type UpstreamPool } from '../../src/data-plane/upstream/upstream-pool.ts';
import type { FakeUpstream } from './fake-upstream.ts';
import { wireName } from './wire.ts';

export type Settings = Config['upstreamQueries'];

/** Patient enough that a busy machine makes no test fail, but for what a test makes shorter. */
export const PATIENT: Settings = {
  deadlineMs: 20_000,
  attemptTimeoutMs: 10_000,
  attemptsMax: 4,
  outstandingMax: 1000,
  randomizeCase: false,
  ca: '',
  sourcePorts: 4,
};

export interface LogEntry {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export interface TestPool extends UpstreamPool {
  readonly cells: Float64Array;
  readonly logged: LogEntry[];
}

const started: (() => Promise<void> | void)[] = [];

/** Stops it after the test. */
export function track(upstream: FakeUpstream): FakeUpstream {
  started.push(() => upstream.stop());
  return upstream;
}

/** For afterEach. */
export async function closeAll(): Promise<void> {
  for (const close of started.splice(0).toReversed()) await close();
}

export function upstreamConfig(upstream: Pick<FakeUpstream, 'host' | 'port'>, protocol: 'udp' | 'tcp' = 'udp') {
  const { host, port } = upstream;
  return { url: `${protocol}://${host}:${port}`, protocol, host, port };
}

/** A pool on the fake upstreams, closed after the test. */
export function openPool(
  upstreams: readonly Pick<FakeUpstream, 'host' | 'port'>[],
  settings: Partial<Settings> = {},
  protocol: 'udp' | 'tcp' = 'udp',
): TestPool {
  const cells = new Float64Array(createCounters());
  const logged: LogEntry[] = [];
  const logAs = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  const pool = createUpstreamPool({
    upstreams: upstreams.map((upstream) => upstreamConfig(upstream, protocol)),
    settings: { ...PATIENT, ...settings },
    edns: { udpPayloadBytes: 1232 },
    cells,
    log: { info: logAs('info'), warn: logAs('warn'), error: logAs('error') },
  });
  started.push(() => pool.close());
  return Object.assign(pool, { cells, logged });
}

export function question(name: string, fields: Partial<UpstreamQuestion> = {}): UpstreamQuestion {
  const qname = wireName(name);
  return { qname, qnameBytes: qname.length, qtype: RecordType.A, dnssecOk: false, checkingDisabled: false, ...fields };
}

export function ask(
  pool: UpstreamPool,
  name: string,
  fields: Partial<UpstreamQuestion> = {},
): Promise<UpstreamOutcome> {
  return new Promise((resolve) => pool.exchange(question(name, fields), receiving(resolve), performance.now()));
}

/** Gets one outcome, whose message, if it has one, is a copy: the receiver has it only until it returns. */
export function receiving(
  onOutcome: (outcome: UpstreamOutcome) => void,
  makesSense: (message: Uint8Array) => boolean = () => true,
): UpstreamReceiver {
  let read: Uint8Array | undefined;
  return {
    onAnswer: (bytes, start, end) => {
      read = Uint8Array.from(bytes.subarray(start, end));
      return makesSense(read);
    },
    onOutcome: (outcome) => {
      if (outcome.kind === 'failed') return onOutcome(outcome);
      const message = outcome.kind === 'read' ? read : Uint8Array.from(outcome.message);
      if (message === undefined) throw new Error('an answer that nobody has read');
      onOutcome({ kind: 'answer', message });
    },
  };
}

/** The message of an answer; throws on a failure. */
export function messageOf(outcome: UpstreamOutcome): Uint8Array {
  if (outcome.kind !== 'answer') throw new Error(`no answer: ${JSON.stringify(outcome)}`);
  return outcome.message;
}

export function rcodeOf(outcome: UpstreamOutcome): number {
  return messageOf(outcome)[3]! & 0x0f;
}

/** The transmissions to one upstream by outcome, those that happened. */
export function outcomes(pool: TestPool, slot: number): Record<string, number> {
  const counted = UPSTREAM_OUTCOMES.map((label, row) => [label, pool.cells[upstreamCounter(slot, row)]!] as const);
  return Object.fromEntries(counted.filter(([, count]) => count > 0));
}
