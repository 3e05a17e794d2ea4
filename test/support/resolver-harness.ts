/**
 * A whole query path without sockets: a Resolver on a published policy, an upstream that says what the test tells it to,
 * arrivals laid into a larger buffer as a listener's slot would hold them, and a clock that only the test moves.
 */
import { vi } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load-config.ts';
import { writeAddress } from '../../src/policy/address.ts';
import { FamilyRow, TransportRow } from '../../src/telemetry/counter-labels.ts';
import { ANSWERED_LATER, type Arrival, type ReplyPath } from '../../src/data-plane/listener/arrival.ts';
import { Resolver } from '../../src/data-plane/resolve.ts';
import { Respond } from '../../src/data-plane/respond.ts';
import type {
  UpstreamExchanger,
  UpstreamOutcome,
  UpstreamQuestion,
  UpstreamReceiver,
} from '../../src/data-plane/upstream/upstream.ts';
import { prepareQuery, QUERY_BYTES_MAX, writeQuery } from '../../src/data-plane/upstream/query-message.ts';
import { type DecodedMessage, decodeMessage, encodeQuery, type QueryFields } from '../../src/dns/codec.ts';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import type { PublishedPolicy } from '../../src/policy/published.ts';
import { createCounters } from '../../src/telemetry/counters.ts';
import { QuerySketchWriter, createQuerySketch } from '../../src/telemetry/query-sketch.ts';
import { publishedPolicy, type TestEntry, type TestPolicy } from './publish-policy.ts';
import { concat, header, words } from './wire.ts';

/** Not 0, so that offsets must be kept apart from pointers. */
const QUERY_START = 5;
const FILLER = 0xee;
const GOOD_RCODES: readonly number[] = [Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN];
const SLOT_BYTES = 65_535;

/** Keys of the configuration file. */
type Overrides = Readonly<Record<string, unknown>>;

/** Why not the default: making a cache of that size takes 30 ms, and tests make hundreds. */
const CACHE_BYTES_MAX = 4 * 1024 * 1024;

/** The defaults of the configuration file, with a smaller cache, but for `overrides`. */
export function testConfig(overrides: Overrides & { readonly cache?: object } = {}): Config {
  const withCache = { ...overrides, cache: { bytesMax: CACHE_BYTES_MAX, ...overrides.cache } };
  const outcome = parseConfig(JSON.stringify(withCache), '/', ['192.0.2.53']);
  if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome.problems));
  return outcome.config;
}

/** Clock under the test's hand. Undone by vi.useRealTimers(). */
export function freezeClock(): void {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
}

export interface Sections {
  readonly flags?: number;
  readonly rcode?: number;
  readonly answers?: readonly Uint8Array[];
  readonly authorities?: readonly Uint8Array[];
  readonly additionals?: readonly Uint8Array[];
}

/** A response to `question`. */
export function responseTo(question: UpstreamQuestion, sections: Sections): Uint8Array {
  const { flags = 0, rcode = 0, answers = [], authorities = [], additionals = [] } = sections;
  return concat(
    header(0x4242, HeaderFlag.QR | HeaderFlag.RD | HeaderFlag.RA | flags | rcode, {
      questions: 1,
      answers: answers.length,
      authorities: authorities.length,
      additionals: additionals.length,
    }),
    question.qname.subarray(0, question.qnameBytes),
    words(question.qtype, 1),
    ...answers,
    ...authorities,
    ...additionals,
  );
}

/** One question that the upstream was asked. */
export interface UpstreamAsk {
  readonly question: UpstreamQuestion;
  /** The query as it goes out, with id 0. */
  readonly sent: Uint8Array;
  readonly receiver: UpstreamReceiver;
  end(outcome: UpstreamOutcome): void;
  answer(sections: Sections): void;
}

/** As the pool does: a good answer is read where it lies among others, an error is handed over. */
function deliver(outcome: UpstreamOutcome, receiver: UpstreamReceiver): void {
  const nowMs = performance.now();
  if (outcome.kind !== 'answer' || !GOOD_RCODES.includes(outcome.message[3]! & 0x0f))
    return receiver.onOutcome(outcome, nowMs);
  const end = QUERY_START + outcome.message.length;
  const bytes = Buffer.alloc(end + QUERY_START, FILLER);
  bytes.set(outcome.message, QUERY_START);
  const makesSense = receiver.onAnswer(bytes, QUERY_START, end, nowMs);
  receiver.onOutcome(makesSense ? { kind: 'read' } : { kind: 'failed', reason: 'malformed' }, nowMs);
}

export class ScriptedUpstream implements UpstreamExchanger {
  readonly asks: UpstreamAsk[] = [];
  /** Thrown by the next exchange. */
  bug: Error | undefined;
  /** What every question is answered with, without the test's doing; undefined: the test answers each. */
  always: Sections | undefined;

  exchange(asked: UpstreamQuestion, receiver: UpstreamReceiver): void {
    const { qname, qnameBytes, qtype, dnssecOk, checkingDisabled } = asked;
    // Why copied: whoever asked uses the object for another question as soon as this one has its outcome.
    const question = { qname: qname.slice(0, qnameBytes), qnameBytes, qtype, dnssecOk, checkingDisabled };
    const done = (outcome: UpstreamOutcome) => deliver(outcome, receiver);
    const { bug } = this;
    this.bug = undefined;
    if (bug !== undefined) throw bug;
    if (this.always !== undefined) {
      const message = responseTo(question, this.always);
      // Why not at once: no upstream answers before the question has been asked.
      return queueMicrotask(() => done({ kind: 'answer', message }));
    }
    const message = new Uint8Array(QUERY_BYTES_MAX);
    const questionEnd = writeQuery(message, asked, { udpPayloadBytes: 1232 });
    this.asks.push({
      question,
      sent: message.slice(0, prepareQuery(message, questionEnd, 0, true)),
      receiver,
      end: done,
      answer: (sections) => done({ kind: 'answer', message: responseTo(question, sections) }),
    });
  }

  close(): void {}

  /** The last question asked. */
  get last(): UpstreamAsk {
    const ask = this.asks.at(-1);
    if (ask === undefined) throw new Error('the upstream was not asked');
    return ask;
  }
}

/** What became of one query. */
export class TestReply {
  message: Uint8Array | undefined;
  sent = 0;
  abandoned = 0;
  readonly id: number;
  wasLate = false;

  constructor(id: number) {
    this.id = id;
  }

  /** Errors: throws where no response came, or none that an independent reader makes sense of. */
  get decoded(): DecodedMessage {
    const decoded = this.message === undefined ? undefined : decodeMessage(this.message);
    if (decoded === undefined) throw new Error('no response that can be decoded');
    if (decoded.id !== this.id) throw new Error('the id is not the query’s');
    return decoded;
  }

  get infoCodes(): number[] {
    return this.decoded.edns?.extendedErrors.map(({ infoCode }) => infoCode) ?? [];
  }

  get ttls(): number[] {
    return [...this.decoded.answers, ...this.decoded.authorities].map(({ ttlSeconds }) => ttlSeconds);
  }
}

export interface AskFields extends Partial<QueryFields> {
  readonly transport?: number;
  readonly client?: string;
  /** Sets AD in the query. */
  readonly authenticData?: boolean;
}

export interface HarnessOptions {
  readonly config?: Overrides;
  readonly entries?: readonly TestEntry[];
  readonly policy?: Partial<TestPolicy>;
}

export class ResolverHarness {
  readonly upstream = new ScriptedUpstream();
  readonly bugs: Error[] = [];
  readonly cells = new Float64Array(createCounters());
  /** How often names were asked for. */
  readonly sketch = createQuerySketch();
  readonly config: Config;
  readonly respond: Respond;
  readonly resolver: Resolver;
  #generation = 1;
  #id = 0x1000;

  constructor(options: HarnessOptions = {}) {
    this.config = testConfig(options.config);
    const policy = this.#published({ entries: options.entries ?? [], ...options.policy });
    this.respond = new Respond(this.config, policy, this.cells, (error) => this.bugs.push(error));
    const asked = new QuerySketchWriter(this.sketch);
    asked.tick(Date.now() / 1000);
    this.resolver = new Resolver(this.config, this.upstream, this.respond, this.cells, asked);
  }

  #published(policy: TestPolicy): PublishedPolicy {
    return publishedPolicy({ ...policy, generation: this.#generation++ });
  }

  publish(entries: readonly TestEntry[], policy: Partial<TestPolicy> = {}): void {
    this.respond.setPolicy(this.#published({ entries, ...policy }));
  }

  advance(ms: number): void {
    vi.advanceTimersByTime(ms);
    this.resolver.tick(this.respond.tick());
  }

  ask(name: string, fields: AskFields = {}): TestReply {
    const id = this.#id++;
    const message = encodeQuery({ id, name, type: 1, ...fields });
    if (message === undefined) throw new Error(`not a name: ${name}`);
    if (fields.authenticData === true) message[3]! |= HeaderFlag.AD;
    return this.send(message, fields);
  }

  /** Any octets, as a listener would bring them. */
  send(message: Uint8Array, fields: AskFields = {}): TestReply {
    const reply = new TestReply(((message[0] ?? 0) << 8) | (message[1] ?? 0));
    const slot = Buffer.alloc(QUERY_START + SLOT_BYTES, FILLER);
    slot.set(message, QUERY_START);
    const client = new Uint8Array(16);
    if (!writeAddress(fields.client ?? '127.0.0.1', client)) throw new Error('not an address');
    const path: ReplyPath = {
      send: (bytes, length) => {
        reply.sent++;
        reply.message = Uint8Array.from(bytes.subarray(0, length));
      },
      abandon: () => void reply.abandoned++,
    };
    const arrival: Arrival = {
      bytes: slot,
      start: QUERY_START,
      end: QUERY_START + message.length,
      transport: fields.transport ?? TransportRow.udp,
      family: FamilyRow.ipv4,
      client,
      receivedAtMs: this.respond.nowMs(),
      isLate: false,
      keepReplyPath: () => path,
    };
    const length = this.#resolve(arrival);
    // Why: nothing kept may point into a slot that the next query overwrites.
    const response = Uint8Array.from(slot.subarray(QUERY_START, QUERY_START + Math.max(0, length)));
    slot.fill(FILLER);
    if (length === ANSWERED_LATER) reply.wasLate = true;
    else if (length > 0) path.send(response, length);
    return reply;
  }

  /** As resolver-thread.ts has it. */
  #resolve(arrival: Arrival): number {
    try {
      return this.resolver.resolve(arrival);
    } catch (error) {
      return this.resolver.recover(arrival, error instanceof Error ? error : new Error(String(error)));
    }
  }
}
