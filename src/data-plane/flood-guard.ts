/**
 * Keeps room in the queues of the sockets, which all clients share, while somebody floods: once a queue was full, those
 * who are far over their limits are held off by the kernel (batch/source-filter.ts), but for a few times what they may
 * have. So a flood costs hardly anything, and others lose nothing to it; of what is let through the limits decide as ever.
 * Looks five times a second; ends by itself. Must not be asked for a query.
 */
import { monotonicMs } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { SocketSideRow, TransportRow } from '../telemetry/counter-labels.ts';
import { Counter, queryCounter } from '../telemetry/counters.ts';
import type { Libc } from './batch/libc.ts';
import type { SocketWatch } from './batch/socket-watch.ts';
import { holdOff, type HeldSource } from './batch/source-filter.ts';
import { MAPPED_BITS, readClientPrefix } from '../policy/client-prefix.ts';
import { ClientKey, IPV4_MARK, isLinkLocalKey, wordMask } from './limits/client-key.ts';
import type { HeavyClient, HeavyClients } from './limits/heavy-clients.ts';

/** Filters at a time: each costs every datagram some comparisons in the kernel. */
export const HELD_MAX = 16;
/** Of the limit is let through at the most, so that there is something to see the flood by; who sends less is not held. */
const TIMES_LIMIT = 4;
/** Who is held is let go below this. Why less: else it would come and go. */
const TIMES_LIMIT_HELD = 2;
const PASS_SHIFT_MAX = 10;
/** For which one is held after the last time that he was found. Why: a thread that gets no processor finds nobody. */
const HOLD_MS = 2_000;
/** For which a full queue is remembered. Why: who filled it is known only when what it held has been read. */
const OVERFLOW_MS = 1_000;
const SECOND_MS = 1_000;

export interface FloodGuardConfig {
  readonly limits: Pick<
    Config['limits'],
    | 'kernelFilter'
    | 'exempt'
    | 'queriesPerSecondMax'
    | 'responsesPerSecondMax'
    | 'responsesIpv4PrefixBits'
    | 'responsesIpv6PrefixBits'
  >;
  readonly listen: Pick<Config['listen'], 'proxyProtocol'>;
}

type Prefix = Omit<HeldSource, 'passShift'>;

interface Held {
  readonly source: HeldSource;
  readonly perSecond: number;
  readonly foundAtMs: number;
}

export interface FloodGuardOptions {
  readonly libc: Libc;
  readonly watch: SocketWatch;
  readonly heavy: HeavyClients;
  readonly cells: Float64Array;
  /** The first of a flood is held. */
  readonly onFlood: () => void;
}

export class FloodGuard {
  readonly #options: FloodGuardOptions;
  #limits: FloodGuardConfig['limits'];
  /** Without limits, or speaking for others: a prefix that has one of these in it is not held. */
  #spared: readonly Prefix[] = [];
  #held = new Map<string, Held>();
  #lookedAtMs = monotonicMs();
  #queriesBefore = 0;
  #overflowedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FloodGuardOptions, config: FloodGuardConfig) {
    this.#options = options;
    this.#limits = config.limits;
    this.configure(config);
  }

  configure({ limits, listen }: FloodGuardConfig): void {
    this.#limits = limits;
    this.#spared = [...limits.exempt, ...listen.proxyProtocol].flatMap((text) => prefixOf(text) ?? []);
  }

  /** Call it right behind a look of the watch. Cost: a system call for each socket while somebody is held. */
  look(): void {
    const { libc, watch, heavy, cells, onFlood } = this.#options;
    const nowMs = monotonicMs();
    const seconds = Math.max(nowMs - this.#lookedAtMs, 1) / SECOND_MS;
    this.#lookedAtMs = nowMs;
    const found = heavy.take();
    const wasHeld = this.#held.size > 0;
    const read = sumOfQueries(cells) - this.#queriesBefore;
    this.#queriesBefore += read;
    const dropped = watch.droppedBefore(SocketSideRow.client);
    if (dropped > 0) this.#overflowedAtMs = nowMs;
    const isAsked = wasHeld || nowMs - this.#overflowedAtMs < OVERFLOW_MS;
    // Of what everybody sent; while somebody is held, most of what is dropped is his.
    const readShare = wasHeld ? 1 : read / Math.max(read + dropped, 1);
    this.#held =
      isAsked && this.#limits.kernelFilter === 'on' ? this.#choose(found, seconds, readShare, nowMs) : new Map();
    cells[Counter.heldSources] = this.#held.size;
    if (!wasHeld && this.#held.size === 0) return;
    if (!wasHeld) onFlood();
    // Why to all, each time: a listener may be new.
    const sources = [...this.#held.values()].map(({ source }) => source);
    for (const { fd, isV6 } of watch.sockets(SocketSideRow.client)) holdOff(libc, fd, isV6, sources);
  }

  /** @param found in so many `seconds`, in the share that was read of what was sent */
  #choose(found: readonly HeavyClient[], seconds: number, readShare: number, nowMs: number): Map<string, Held> {
    const chosen = new Map([...this.#held].filter(([, { foundAtMs }]) => nowMs - foundAtMs < HOLD_MS));
    for (const client of found) {
      const limit = client.kind === 'queries' ? this.#limits.queriesPerSecondMax : this.#limits.responsesPerSecondMax;
      const id = `${client.kind} ${client.high} ${client.low}`;
      const before = this.#held.get(id);
      // What it sends: what was limited and what was not, of what was let through.
      const perSecond = ((client.limited / seconds + limit) / readShare) * 2 ** (before?.source.passShift ?? 0);
      const least = limit * (before === undefined ? TIMES_LIMIT : TIMES_LIMIT_HELD);
      if (limit === 0 || perSecond <= least || isLinkLocalKey(client.high)) continue;
      const prefix = this.#prefix(client);
      if (this.#spared.some((spared) => overlap(spared, prefix))) continue;
      const shift = Math.ceil(Math.log2(perSecond / (TIMES_LIMIT * limit)));
      // Why never less than before: a thread that gets little of its processor finds little.
      const passShift = Math.min(PASS_SHIFT_MAX, Math.max(1, shift, before?.source.passShift ?? 0));
      chosen.set(id, { perSecond, foundAtMs: nowMs, source: { ...prefix, passShift } });
    }
    const byRate = [...chosen].sort(([, one], [, other]) => other.perSecond - one.perSecond);
    return new Map(byRate.slice(0, HELD_MAX));
  }

  #prefix({ kind, high, low }: HeavyClient): Prefix {
    const isIpv4 = high === IPV4_MARK;
    if (kind === 'queries') return { isIpv4, high, low, highMask: -1, lowMask: -1 };
    const { responsesIpv4PrefixBits, responsesIpv6PrefixBits } = this.#limits;
    const highMask = isIpv4 ? -1 : wordMask(responsesIpv6PrefixBits, 0);
    const lowMask = isIpv4 ? wordMask(responsesIpv4PrefixBits, 0) : wordMask(responsesIpv6PrefixBits, 32);
    return { isIpv4, high, low, highMask, lowMask };
  }
}

/** Queries over UDP that the thread has read. */
function sumOfQueries(cells: Float64Array): number {
  let sum = 0;
  const [first, end] = [queryCounter(TransportRow.udp, 0, 0), queryCounter(TransportRow.udp + 1, 0, 0)];
  for (let cell = first; cell < end; cell++) sum += cells[cell]!;
  return sum;
}

function prefixOf(text: string): Prefix | undefined {
  const prefix = readClientPrefix(text);
  if (prefix === undefined) return undefined;
  const { high, low, isIpv4 } = new ClientKey(prefix.base);
  return isIpv4
    ? { isIpv4, high, low, highMask: -1, lowMask: wordMask(prefix.bits, MAPPED_BITS) }
    : { isIpv4, high, low, highMask: wordMask(prefix.bits, 0), lowMask: wordMask(prefix.bits, 32) };
}

function overlap(one: Prefix, other: Prefix): boolean {
  if (one.isIpv4 !== other.isIpv4) return false;
  const isSameHigh = ((one.high ^ other.high) & one.highMask & other.highMask) === 0;
  return isSameHigh && ((one.low ^ other.low) & one.lowMask & other.lowMask) === 0;
}
