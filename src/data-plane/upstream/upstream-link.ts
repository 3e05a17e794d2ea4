/**
 * One configured upstream as the pool uses it: its transports, opened when first needed, what is known of it, and its
 * counters. RFC 7766 5: every upstream must be reachable by TCP too, on the same port, for what does not fit a datagram.
 */
import type { UpstreamConfig } from '../../config/config.ts';
import {
  observeDuration,
  upstreamCounter,
  upstreamDownGauge,
  upstreamDurationHistogram,
} from '../../telemetry/counters.ts';
import type { Transport } from './transport.ts';
import { TRANSPORT_BY_PROTOCOL, type TransportContext } from './upstreams.ts';
import { UpstreamState } from './upstream-state.ts';

/** What is said about upstreams that go down and come back; pino satisfies it. */
export interface UpstreamLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export class UpstreamLink {
  readonly state: UpstreamState;
  /** Transport of the configured protocol. */
  readonly first: Transport;
  readonly config: UpstreamConfig;
  /** Row of its counters: its index in the configuration. */
  readonly slot: number;
  /** Until when it is taken not to know EDNS. */
  withoutEdnsUntilMs = Number.NEGATIVE_INFINITY;
  /** Configured no more: its row may be another's. */
  isRetired = false;
  readonly #context: TransportContext;
  #cells: Float64Array;
  readonly #log: UpstreamLog;
  #tcp: Transport | undefined;

  constructor(
    config: UpstreamConfig,
    context: Omit<TransportContext, 'report'>,
    cells: Float64Array,
    log: UpstreamLog,
    nowMs: number,
  ) {
    this.config = config;
    this.state = new UpstreamState();
    this.slot = context.slot;
    const report = (reason: string): void =>
      log.warn({ upstream: config.url, reason }, 'an encrypted upstream cannot be used');
    this.#context = { ...context, report };
    this.#cells = cells;
    this.#log = log;
    this.first = TRANSPORT_BY_PROTOCOL[config.protocol](config, this.#context, nowMs);
    this.#tcp = config.protocol === 'udp' ? undefined : this.first;
  }

  get tcp(): Transport {
    if (this.#tcp === undefined) {
      this.#tcp = TRANSPORT_BY_PROTOCOL.tcp(this.config, this.#context, 0);
      // Why: nobody would close it. It takes no query, and another upstream is asked.
      if (this.isRetired) this.#tcp.retire();
    }
    return this.#tcp;
  }

  /** Counts one outcome (UpstreamOutcomeRow). */
  count(outcome: number): void {
    this.#cells[upstreamCounter(this.slot, outcome)]!++;
  }

  /** A response came, whatever its rcode. */
  answered(rttMs: number, nowMs: number): void {
    observeDuration(this.#cells, upstreamDurationHistogram(this.slot), rttMs);
    if (!this.state.answered(rttMs, nowMs)) return;
    this.#setDown(false);
    this.#log.info({ upstream: this.config.url }, 'upstream answers again');
  }

  /** No response in time, or the network said no. */
  failed(elapsedMs: number, nowMs: number): void {
    if (!this.state.failed(elapsedMs, nowMs)) return;
    this.#setDown(true);
    this.#log.warn({ upstream: this.config.url }, 'upstream is down');
  }

  retire(): void {
    this.isRetired = true;
    this.#setDown(false);
    // Why elsewhere: its row may be another upstream's from now on, which must not be down for what this one does.
    this.#cells = new Float64Array(this.#cells.length);
    this.first.retire();
    this.#tcp?.retire();
  }

  close(): void {
    this.first.close();
    this.#tcp?.close();
  }

  #setDown(isDown: boolean): void {
    this.#cells[upstreamDownGauge(this.slot)] = isDown ? 1 : 0;
  }
}

/** Retires the links that are not kept; returns their rows as bits. */
export function retireOthers(links: readonly UpstreamLink[], kept: readonly UpstreamLink[]): number {
  let rows = 0;
  for (const link of links) {
    if (kept.includes(link)) continue;
    link.retire();
    rows |= 1 << link.slot;
  }
  return rows;
}

/** Whether a link of one serves for the other: a recursor that was started anew has another port behind the same word. */
export function isSameUpstream(a: UpstreamConfig, b: UpstreamConfig): boolean {
  return a.url === b.url && a.host === b.host && a.port === b.port;
}
