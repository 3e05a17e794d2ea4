/**
 * What the limits against abuse cost a query: CPU time of the query path alone, without the system calls, limits on (but so
 * high that nothing meets them) against all set to 0, in turns, medians: the figures of docs/limits.md.
 *
 *   node bench/limits-cost.ts [ROUNDS]
 */
import { parseConfig } from '../src/config/load-config.ts';
import type { Config } from '../src/config/config.ts';
import type { Arrival } from '../src/data-plane/listener/arrival.ts';
import { Resolver } from '../src/data-plane/resolve.ts';
import { Respond } from '../src/data-plane/respond.ts';
import type { UpstreamExchanger, UpstreamQuestion } from '../src/data-plane/upstream/upstream.ts';
import { encodeQuery } from '../src/dns/codec.ts';
import { RecordType } from '../src/dns/iana.ts';
import { FamilyRow, TransportRow } from '../src/telemetry/counter-labels.ts';
import { createCounters } from '../src/telemetry/counters.ts';
import { publishedPolicy } from '../test/support/publish-policy.ts';
import { median } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const QUERIES = 1_000_000;
const NAMES = 10_000;
/** One address; a network of a thousand; as many as there are queries. */
const CLIENTS = [1, 1_000, QUERIES];
const SLOT_BYTES = 4_096;
const UNREACHED = 1_000_000;
/** 100,000 queries a second. */
const BETWEEN_MS = 0.01;
const PER_SECOND = ['queriesPerSecondMax', 'responsesPerSecondMax', 'missesPerDomainPerSecondMax'] as const;

function configWith(perSecond: number): Config {
  const limits = Object.fromEntries(PER_SECOND.map((key) => [key, perSecond]));
  const burst = perSecond === 0 ? {} : { queriesBurstMax: perSecond };
  const outcome = parseConfig(JSON.stringify({ lists: [], limits: { ...limits, ...burst } }), '/', ['192.0.2.53']);
  if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome.problems));
  return outcome.config;
}

const listed = Array.from({ length: NAMES }, (_, i) => ({ name: `listed-${i}.example.net` }));
const cachedNames = Array.from({ length: NAMES }, (_, i) => `cached-${i}.example.org`);
const policy = publishedPolicy({ entries: listed });
const messageOf = (name: string): Uint8Array => encodeQuery({ id: 7, name, type: RecordType.A })!;

/** One address that may be kept for a day. */
function answerTo({ qname, qnameBytes, qtype }: UpstreamQuestion): Uint8Array {
  const head = Buffer.from('000781800001000100000000', 'hex');
  const tail = Buffer.from('0001c00c00010001000151800004cb007107', 'hex');
  return Buffer.concat([head, qname.subarray(0, qnameBytes), Buffer.from([0, qtype]), tail]);
}

class Path {
  readonly #resolver: Resolver;
  readonly #arrival: Arrival;

  constructor(config: Config) {
    const cells = new Float64Array(createCounters());
    const respond = new Respond(
      { ...config, clients: { ...config.clients, allow: ['0.0.0.0/0'] } },
      policy,
      cells,
      () => {
        throw new Error('a bug in the query path');
      },
    );
    const upstream: UpstreamExchanger = {
      exchange: (question, receiver, nowMs) =>
        queueMicrotask(() => receiver.onOutcome({ kind: 'answer', message: answerTo(question) }, nowMs)),
      close: () => undefined,
    };
    this.#resolver = new Resolver(config, upstream, respond, cells);
    const client = new Uint8Array(16);
    client.set([0xff, 0xff], 10);
    this.#arrival = {
      bytes: Buffer.alloc(SLOT_BYTES),
      start: 0,
      end: 0,
      transport: TransportRow.udp,
      family: FamilyRow.ipv4,
      client,
      receivedAtMs: respond.nowMs(),
      isLate: false,
      keepReplyPath: () => ({ send: () => undefined, abandon: () => undefined }),
    };
  }

  /** Units: nanoseconds a query. */
  async run(messages: readonly Uint8Array[], clients: number): Promise<number> {
    const arrival = this.#arrival;
    for (const message of messages) this.#one(arrival, message, 0);
    // What the cache did not have is answered then.
    await new Promise(setImmediate);
    const before = process.cpuUsage();
    for (let i = 0; i < QUERIES; i++) this.#one(arrival, messages[i % messages.length]!, i % clients);
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1_000) / QUERIES;
  }

  #one(arrival: Arrival, message: Uint8Array, client: number): void {
    arrival.receivedAtMs += BETWEEN_MS;
    arrival.bytes.set(message);
    arrival.end = message.length;
    arrival.client.set([11, client >>> 16, (client >>> 8) & 0xff, client & 0xff], 12);
    this.#resolver.resolve(arrival);
  }
}

const paths = { on: new Path(configWith(UNREACHED)), off: new Path(configWith(0)) };
for (const [what, names] of [
  ['blocked', listed.map(({ name }) => name)],
  ['cached', cachedNames],
] as const) {
  const messages = names.map(messageOf);
  for (const clients of CLIENTS) {
    const found = { on: [] as number[], off: [] as number[] };
    for (let round = -1; round < ROUNDS; round++) {
      for (const key of ['on', 'off'] as const) {
        const ns = await paths[key].run(messages, clients);
        // The first round is for the compiler.
        if (round >= 0) found[key].push(ns);
      }
    }
    const [on, off] = [median(found.on), median(found.off)];
    const text = `${what}, ${clients} clients: ${on.toFixed(0)} ns with limits, ${off.toFixed(0)} without, ${(on / off).toFixed(2)} times`;
    process.stdout.write(`${text}\n`);
  }
}
