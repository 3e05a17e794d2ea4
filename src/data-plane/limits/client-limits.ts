/**
 * How much one client, and one client network, may ask of a thread: the second step of the query path, behind accept.
 * Token buckets: queries of a client, those over UDP apart from those whose address nobody can have forged, so that a
 * flood in a client's name leaves it TCP, TLS, HTTPS and cookies; and responses to a client prefix over UDP, where they
 * may hit somebody else: a client with a good cookie is none of those. Decides and counts; what is sent is respond.ts's.
 * Exempt clients are looked for only when a limit has been met, so that the many who stay below pay nothing for them.
 */
import type { Config } from '../../config/config.ts';
import { extendedErrorOption } from '../../dns/edns.ts';
import { ExtendedError } from '../../dns/extended-error.ts';
import { Rcode } from '../../dns/iana.ts';
import type { QueryView } from '../../dns/query-view.ts';
import { DropRow, LimitOutcomeRow, LimitRow, TransportRow } from '../../telemetry/counter-labels.ts';
import { limitCounter } from '../../telemetry/counters.ts';
import { BAD_COOKIE, type Refusal } from '../accept.ts';
import { ClientAccess } from '../client-address.ts';
import type { Arrival } from '../listener/arrival.ts';
import { BucketTable } from './bucket-table.ts';
import { ClientKey, isLoopbackClient, wordMask } from './client-key.ts';
import { HeavyClients } from './heavy-clients.ts';
import type { KeyedHash } from './keyed-hash.ts';

const DROPPED: Refusal = { kind: 'drop', reason: DropRow.rateLimited };
const TRUNCATED: Refusal = { kind: 'truncate' };
const REFUSED: Refusal = {
  kind: 'respond',
  rcode: Rcode.REFUSED,
  extendedError: extendedErrorOption(ExtendedError.other, 'too many queries from this client'),
};

/** Tells a client from who forges its address. */
export interface ClientIdentity {
  hasGoodCookie(query: QueryView, arrival: Arrival): boolean;
  /** Whether the response to this query carries a cookie. */
  getsCookie(query: QueryView): boolean;
}

export class ClientLimits {
  /** Of the client last asked about. */
  readonly key = new ClientKey();
  /** Of datagrams that got no answer. */
  readonly heavy: HeavyClients;
  readonly #queries: BucketTable;
  /** Of clients that are where they say: over a connection, or with a good cookie. */
  readonly #provenQueries: BucketTable;
  readonly #responses: BucketTable;
  readonly #cells: Float64Array;
  #exempt = new ClientAccess([]);
  #exemptsLoopback = true;
  #ipv4Mask = 0;
  #ipv6HighMask = 0;
  #ipv6LowMask = 0;
  /** Every how many limited responses one is sent truncated; 0: none. */
  #slip = 0;
  #sinceSlip = 0;
  #refuses = false;

  constructor(limits: Config['limits'], hash: KeyedHash, cells: Float64Array) {
    this.#cells = cells;
    this.heavy = new HeavyClients(hash);
    this.#queries = new BucketTable(hash);
    this.#provenQueries = new BucketTable(hash);
    this.#responses = new BucketTable(hash);
    this.configure(limits);
  }

  configure(limits: Config['limits']): void {
    this.#queries.configure(limits.queriesPerSecondMax, limits.queriesBurstMax);
    this.#provenQueries.configure(limits.queriesPerSecondMax, limits.queriesBurstMax);
    this.#responses.configure(limits.responsesPerSecondMax, limits.responsesPerSecondMax);
    this.#exempt = new ClientAccess(limits.exempt);
    this.#exemptsLoopback = limits.exemptLoopback;
    this.#ipv4Mask = wordMask(limits.responsesIpv4PrefixBits, 0);
    this.#ipv6HighMask = wordMask(limits.responsesIpv6PrefixBits, 0);
    this.#ipv6LowMask = wordMask(limits.responsesIpv6PrefixBits, 32);
    this.#slip = limits.slip;
    this.#refuses = limits.excess === 'refuse';
  }

  /**
   * What the client gets instead of an answer; undefined: the query goes on. The response's token is taken before there
   * is a response, for every query gets one, and a limited one costs no lookup and no question upstream.
   * Cost: two hashes, no allocation.
   */
  excessOf(query: QueryView, arrival: Arrival, identity: ClientIdentity): Refusal | undefined {
    const { client, transport, receivedAtMs } = arrival;
    const { key } = this;
    key.read(client);
    if (!this.#takeQuery(query, arrival, identity) && !this.isExempt(client)) {
      if (transport === TransportRow.udp) this.heavy.count(false, key.high, key.low);
      if (this.#refuses) return this.#count(LimitRow.queries, LimitOutcomeRow.refused, REFUSED);
      return transport === TransportRow.udp
        ? this.#slipOrDrop(LimitRow.queries, query, identity)
        : this.#drop(LimitRow.queries);
    }
    if (transport !== TransportRow.udp) return undefined;
    const high = key.isIpv4 ? key.high : key.high & this.#ipv6HighMask;
    const low = key.low & (key.isIpv4 ? this.#ipv4Mask : this.#ipv6LowMask);
    if (this.#responses.take(high, low, receivedAtMs) || this.isExempt(client)) return undefined;
    if (identity.hasGoodCookie(query, arrival)) return undefined;
    this.heavy.count(true, high, low);
    return this.#slipOrDrop(LimitRow.responses, query, identity);
  }

  /** Takes a query's token. Why the cookie is looked at last: it costs two hashes, and hardly anybody is over the limit. */
  #takeQuery(query: QueryView, arrival: Arrival, identity: ClientIdentity): boolean {
    const { high, low } = this.key;
    const { receivedAtMs } = arrival;
    if (arrival.transport !== TransportRow.udp) return this.#provenQueries.take(high, low, receivedAtMs);
    if (this.#queries.take(high, low, receivedAtMs)) return true;
    return identity.hasGoodCookie(query, arrival) && this.#provenQueries.take(high, low, receivedAtMs);
  }

  /** Over UDP: the one that was meant, if others ask in its name, finds out how to ask so that it is believed. */
  #slipOrDrop(limit: number, query: QueryView, identity: ClientIdentity): Refusal {
    if (this.#slip === 0 || ++this.#sinceSlip < this.#slip) return this.#drop(limit);
    this.#sinceSlip = 0;
    // Why: who speaks cookies comes back with a good one, over UDP.
    return identity.getsCookie(query)
      ? this.#count(limit, LimitOutcomeRow.badCookie, BAD_COOKIE)
      : this.#count(limit, LimitOutcomeRow.truncated, TRUNCATED);
  }

  /** Whether no limit holds for the client. */
  isExempt(client: Uint8Array): boolean {
    return (this.#exemptsLoopback && isLoopbackClient(client)) || this.#exempt.allows(client);
  }

  #drop(limit: number): Refusal {
    return this.#count(limit, LimitOutcomeRow.dropped, DROPPED);
  }

  #count(limit: number, outcome: number, refusal: Refusal): Refusal {
    this.#cells[limitCounter(limit, outcome)]!++;
    return refusal;
  }
}
