/**
 * What a forwarded query costs without its system calls: CPU time and octets of objects of the whole path, from the query's
 * octets to the response's, behind sockets of its own, and the memory that a full cache takes. Figures of
 * docs/performance.md; one processor: `taskset -c 0 node --max-semi-space-size=6 bench/forward-path.ts [ROUNDS]`
 */
import { Session } from 'node:inspector/promises';
import { parseConfig } from '../src/config/load-config.ts';
import type { Arrival, ReplyPath } from '../src/data-plane/listener/arrival.ts';
import { Resolver } from '../src/data-plane/resolve.ts';
import { Respond } from '../src/data-plane/respond.ts';
import type { DatagramSocketHandler, OpenDatagramSocket } from '../src/data-plane/upstream/datagram-socket.ts';
import { createUpstreamPool } from '../src/data-plane/upstream/upstream-pool.ts';
import { FamilyRow, TransportRow } from '../src/telemetry/counter-labels.ts';
import { createCounters } from '../src/telemetry/counters.ts';
import { publishedPolicy } from '../test/support/publish-policy.ts';
import { median } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 9);
const QUERIES = 64_000;
const SLOTS = 64;
const SLOT_BYTES = 4_096;
const HEADER_BYTES = 12;
const SAMPLING_BYTES = 2_048;
const MIB = 1024 * 1024;
/** QTYPE A, QCLASS IN and an OPT record. */
const QUERY_TAIL = Buffer.from('0001000100002904d0000000000000', 'hex');
/** One address behind a pointer to the question, and an OPT record. */
const ANSWER_TAIL = Buffer.from('c00c0001000100000e100004c633640700002904d0000000000000', 'hex');

/** An upstream on this thread: what is sent in one turn is answered in the next. */
class Echo {
  readonly #slots = Buffer.alloc(SLOTS * SLOT_BYTES);
  readonly #waiting: { readonly handler: DatagramSocketHandler }[] = [];

  readonly open: OpenDatagramSocket = (_host, _port, handler) => {
    setImmediate(() => handler.onOpen());
    const entry = { handler };
    return { send: (bytes, end) => this.#take(entry, bytes, end), close: () => undefined };
  };

  #take(entry: { readonly handler: DatagramSocketHandler }, bytes: Uint8Array, end: number): void {
    const start = this.#waiting.length * SLOT_BYTES;
    for (let i = 0; i < end; i++) this.#slots[start + i] = bytes[i]!;
    if (this.#waiting.push(entry) === 1) setImmediate(this.#answer);
  }

  readonly #answer = (): void => {
    for (const [slot, { handler }] of this.#waiting.splice(0).entries()) {
      const start = slot * SLOT_BYTES;
      let at = start + HEADER_BYTES;
      while (this.#slots[at] !== 0) at += 1 + this.#slots[at]!;
      at += 5;
      this.#slots[start + 2] = 0x81;
      this.#slots[start + 3] = 0x80;
      this.#slots[start + 7] = 1;
      for (let i = 0; i < ANSWER_TAIL.length; i++) this.#slots[at + i] = ANSWER_TAIL[i]!;
      handler.onDatagram(this.#slots, start, at + ANSWER_TAIL.length, false);
    }
  };
}

const outcome = parseConfig(JSON.stringify({ lists: [], clients: { allow: ['0.0.0.0/0'] } }), '/', ['192.0.2.53']);
if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome.problems));
const { config } = outcome;
const cells = new Float64Array(createCounters());
const policy = publishedPolicy({ entries: [{ name: 'listed.example' }] });
const respond = new Respond(config, policy, cells, (error) => {
  throw error;
});
const silent = () => undefined;
const pool = createUpstreamPool({
  upstreams: config.upstreams,
  settings: config.upstreamQueries,
  edns: { udpPayloadBytes: config.edns.udpPayloadBytes },
  cells,
  openSocket: new Echo().open,
  log: { info: silent, warn: silent, error: silent },
});
const resolver = new Resolver(config, pool, respond, cells);
let answered = 0;
const reply: ReplyPath = { send: () => void answered++, abandon: silent };
const client = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1);
const arrival: Arrival = {
  bytes: Buffer.alloc(SLOT_BYTES),
  start: 0,
  end: 0,
  transport: TransportRow.udp,
  family: FamilyRow.ipv4,
  client,
  receivedAtMs: 0,
  isLate: false,
  keepReplyPath: () => reply,
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A name of eight digits that was not asked before. */
function writeQuery(number: number): void {
  const { bytes } = arrival;
  bytes.fill(0, 0, HEADER_BYTES);
  bytes[2] = 1;
  bytes[5] = 1;
  bytes[11] = 1;
  let at = HEADER_BYTES;
  bytes[at++] = 8;
  for (let rest = number, digit = 7; digit >= 0; digit--, rest = Math.floor(rest / 10))
    bytes[at + digit] = 0x30 + (rest % 10);
  at += 8;
  bytes[at++] = 3;
  bytes[at++] = 0x63;
  bytes[at++] = 0x30 + (number % 10);
  bytes[at++] = 0x6d;
  bytes[at++] = 0;
  bytes.set(QUERY_TAIL, at);
  arrival.start = 0;
  arrival.end = at + QUERY_TAIL.length;
}

let asked = 0;
async function ask(count: number): Promise<void> {
  for (let done = 0; done < count; done += SLOTS) {
    arrival.receivedAtMs = respond.tick();
    for (let slot = 0; slot < SLOTS; slot++) {
      writeQuery(asked++);
      resolver.resolve(arrival);
    }
    respond.endBatch(arrival.receivedAtMs);
    await turn();
  }
}

async function nsOf(count: number): Promise<number> {
  const before = process.cpuUsage();
  await ask(count);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / count;
}

/** Octets of all objects made, those that were collected meanwhile too. */
async function octetsOf(count: number): Promise<number> {
  const session = new Session();
  session.connect();
  const withCollected = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  await session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLING_BYTES, ...withCollected });
  await ask(count);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  const sum = (node: typeof profile.head): number =>
    node.selfSize + node.children.reduce((all, each) => all + sum(each), 0);
  return sum(profile.head) / count;
}

await turn();
const residentBefore = process.memoryUsage.rss();
while (resolver.cache.takeEvictions() === 0) await ask(QUERIES);
const { entryCount, bytes } = resolver.cache;
const resident = (process.memoryUsage.rss() - residentBefore) / MIB;
const times: number[] = [];
for (let round = 0; round < ROUNDS; round++) times.push(await nsOf(QUERIES));
const octets = await octetsOf(QUERIES);
if (answered !== asked) throw new Error(`${asked} asked, ${answered} answered`);
process.stdout.write(
  `a forwarded query: ${median(times).toFixed(0)} ns (lowest ${Math.min(...times).toFixed(0)}), ${octets.toFixed(0)} octets of objects\n` +
    `a full cache of ${(bytes / MIB).toFixed(0)} MiB: ${entryCount} answers, ${resident.toFixed(0)} MiB more resident\n`,
);
pool.close();
process.exit(0);
