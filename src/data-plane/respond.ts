/**
 * The decisions and answers that a thread's query path draws on: policy in force, special names, access list, finisher,
 * and the counting of what was answered. resolve.ts says in which order they are asked; nothing here waits or sends.
 */
import { randomBytes } from 'node:crypto';
import { monotonicMs, wallClockMs } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { labelStartsOf, LABELS_MAX, nameBytes } from '../dns/name.ts';
import type { QueryView } from '../dns/query-view.ts';
import { QueryFault } from '../dns/query-view.ts';
import { Rcode } from '../dns/iana.ts';
import { SIP_KEY_BYTES } from '../dns/sip-hash.ts';
import { BlockAnswers } from '../policy/block-answer.ts';
import { ClientGroups, NO_GROUP } from '../policy/client-groups.ts';
import type { DesignatedResolver } from '../policy/designated-resolver.ts';
import { Policy, VerdictKind } from '../policy/policy.ts';
import type { PublishedPolicy } from '../policy/published.ts';
import { NOT_SPECIAL, SpecialUse } from '../policy/special-use.ts';
import { NO_REGION_ROW } from '../telemetry/blocked-events.ts';
import { DropRow, RESPONSE_VERDICTS, VerdictRow } from '../telemetry/counter-labels.ts';
import {
  blockedCounter,
  Counter,
  dropCounter,
  durationHistogram,
  observeDuration,
  QTYPE_SLOT,
  queryCounter,
  regionCounter,
  responseCounter,
  shadowCounter,
} from '../telemetry/counters.ts';
import { BAD_COOKIE, type Refusal } from './accept.ts';
import type { BlockRecorder } from './block-recorder.ts';
import type { Answer } from './cache/answer.ts';
import { ClientAccess } from './client-address.ts';
import { Finisher } from './finish.ts';
import { Cookies } from './limits/cookies.ts';
import { type Arrival, DROPPED } from './listener/arrival.ts';
import { RegionRows, type RegionSlots } from './region-rows.ts';

/** How a query came; arrivals and waiters both say it. */
export interface Asked {
  readonly transport: number;
  readonly receivedAtMs: number;
  /** 16 octets; undefined where nobody needs it any more. */
  readonly client: Uint8Array | undefined;
  /** Whether the answer comes after the query path was left. */
  readonly isLate: boolean;
}

export class Respond {
  access: ClientAccess;
  /** How often a policy was put in force: while it stays, a verdict on a name, a client and a time holds. */
  policyTurn = 0;
  #policy: Policy | undefined;
  #groups: ClientGroups;
  #regions: RegionRows;
  #blockAnswers: BlockAnswers | undefined;
  #special: SpecialUse;
  #designated: DesignatedResolver | undefined;
  readonly #cookies: Cookies;
  #finisher: Finisher;
  #config: Config;
  readonly #cells: Float64Array;
  readonly #onBug: (error: Error) => void;
  readonly #recorder: BlockRecorder | undefined;
  /** Of one name of a chain. */
  readonly #targetLabels = new Uint8Array(LABELS_MAX);
  /** Answers given at once since the last `endBatch`, by verdict. */
  readonly #inBatch = new Uint32Array(RESPONSE_VERDICTS.length);
  /** Counter of the first shadow rule that a chain met. */
  #chainShadowCell = 0;
  /** When the late answer that is being given came. */
  #lateAtMs = 0;
  /** Of the wall clock before the monotonic one, so that a query costs no second clock read. */
  #wallOffsetMs = 0;

  constructor(
    config: Config,
    policy: PublishedPolicy | undefined,
    cells: Float64Array,
    onBug: (error: Error) => void,
    recorder?: BlockRecorder,
    cookieSecret: Uint8Array = randomBytes(SIP_KEY_BYTES),
    regionSlots: RegionSlots = {},
  ) {
    this.#recorder = recorder;
    this.#config = config;
    this.#cells = cells;
    this.#onBug = onBug;
    this.access = new ClientAccess(config.clients.allow);
    this.#groups = new ClientGroups(config.clients.groups);
    this.#regions = new RegionRows(config.clients.groups, regionSlots);
    this.#special = new SpecialUse(config.specialUse, config.edns.udpPayloadBytes);
    this.#cookies = new Cookies(config.limits, cookieSecret);
    this.#finisher = new Finisher(config, this.#cookies);
    this.tick();
    if (policy !== undefined) this.setPolicy(policy);
  }

  /** Puts a published policy in force for everything that is answered from now on. */
  setPolicy(published: PublishedPolicy): void {
    this.#policy = new Policy(published, this.#groups);
    this.policyTurn++;
    this.#blockAnswers = this.#makeBlockAnswers(published);
    this.#cells[Counter.policyGeneration] = published.generation;
  }

  configure(config: Config, regionSlots: RegionSlots = {}): void {
    this.#config = config;
    this.access = new ClientAccess(config.clients.allow);
    this.#special = new SpecialUse(config.specialUse, config.edns.udpPayloadBytes);
    this.#special.designate(this.#designated);
    this.#cookies.configure(config.limits);
    this.#finisher = new Finisher(config, this.#cookies);
    this.#groups = new ClientGroups(config.clients.groups);
    this.#regions = new RegionRows(config.clients.groups, regionSlots);
    if (this.#policy !== undefined) this.setPolicy(this.#policy.published);
  }

  /** Says which encrypted listeners stand for this resolver (RFC 9462); undefined: none. */
  designate(resolver: DesignatedResolver | undefined): void {
    this.#designated = resolver;
    this.#special.designate(resolver);
  }

  #makeBlockAnswers(published: PublishedPolicy): BlockAnswers {
    return new BlockAnswers({
      sinkholeAddresses: this.#config.sinkhole.addresses,
      sinkholeTtlSeconds: this.#config.sinkhole.ttlSeconds,
      lists: published.lists,
      udpPayloadBytes: this.#config.edns.udpPayloadBytes,
    });
  }

  /**
   * Whether who waits for an upstream must be remembered by the address. Why asked when the waiting begins: where a
   * policy that depends on clients comes meanwhile, they are judged as clients that nobody knows.
   */
  keepsClient(query: QueryView): boolean {
    const isKept = this.#recorder?.keepsEvents === true || this.#policy?.dependsOnClients === true;
    // Why also where cookies are off: they may be turned on meanwhile, and the cookie must be this client's.
    return isKept || query.cookieStart !== 0;
  }

  /** Before anything else is asked of a query that was just read: its response will overwrite it. */
  begin(query: QueryView, asked: Asked): void {
    if (query.cookieStart === 0 || asked.client === undefined || !this.#cookies.isFor(query)) return;
    this.#cookies.prepare(query, asked.client, this.#seconds(asked.receivedAtMs));
  }

  /** The same for one whose answer has come at `nowMs`. */
  beginLate(query: QueryView, asked: Asked, nowMs: number): void {
    this.#lateAtMs = nowMs;
    this.begin(query, asked);
  }

  hasGoodCookie(query: QueryView, arrival: Arrival): boolean {
    return this.#cookies.isGood(query, arrival.client, this.#seconds(arrival.receivedAtMs));
  }

  getsCookie(query: QueryView): boolean {
    return this.#cookies.isFor(query);
  }

  /** Reads the clocks; returns monotonic time. */
  tick(): number {
    const nowMs = monotonicMs();
    this.#wallOffsetMs = wallClockMs() - nowMs;
    return nowMs;
  }

  nowMs(): number {
    return monotonicMs();
  }

  countQuery(query: QueryView, transport: number, family: number): void {
    if (query.fault === QueryFault.tooShort || query.fault === QueryFault.isResponse) return;
    this.#cells[queryCounter(transport, family, QTYPE_SLOT[query.qtype]!)]!++;
  }

  /** The verdict on the question; `block` answers by it. */
  judge(query: QueryView, asked: Asked): number {
    const policy = this.#policy;
    if (policy === undefined) return VerdictKind.allowed;
    return policy.judge(
      query.bytes,
      query.qnameStart,
      query.labelStarts,
      query.labelCount,
      this.#seconds(asked.receivedAtMs),
      asked.client,
    );
  }

  /** The answer that the verdict `blocked`, just given, asks for. */
  block(query: QueryView, asked: Asked): number {
    const { match } = this.#policy!;
    this.#cells[blockedCounter(match.list.counterSlot, match.categoryIndex, match.actionIndex)]!++;
    const region = this.#countRegion(asked.client);
    if (this.#recorder?.keepsEvents === true) {
      const atMs = asked.receivedAtMs + this.#wallOffsetMs;
      this.#recorder.event(query, match, atMs, asked.transport, region, asked.client);
    }
    const bytesMax = this.#finisher.responseBytesMax(query, asked.transport);
    const length = this.#blockAnswers!.write(query, match, bytesMax);
    if (length === 0) {
      this.#cells[dropCounter(DropRow.policyDrop)]!++;
      return DROPPED;
    }
    return this.#done(query, asked, VerdictRow.blocked, this.#finisher.addExtras(query, asked.transport, length));
  }

  /** Counts a blocked query as of its client's region; returns the row of that, or NO_REGION_ROW. */
  #countRegion(client: Uint8Array | undefined): number {
    if (!this.#regions.isAny) return NO_REGION_ROW;
    const row = this.#regions.rowOf(this.#groupOf(client));
    this.#cells[regionCounter(row)]!++;
    return row;
  }

  #groupOf(client: Uint8Array | undefined): number {
    return client === undefined ? NO_GROUP : this.#groups.find(client);
  }

  /** The answer of a special-use name, or 0 for any other. */
  special(query: QueryView, asked: Asked, verdict: number): number {
    const found = this.#special.find(query);
    if (found === NOT_SPECIAL) return 0;
    this.#countVerdict(query, asked, verdict);
    const length = this.#special.write(query, found, this.#finisher.responseBytesMax(query, asked.transport));
    return this.#done(query, asked, verdict, this.#finisher.addExtras(query, asked.transport, length));
  }

  /** An upstream's answer, unless a name that it leads to is listed and the name asked is not a protected one. */
  answer(query: QueryView, asked: Asked, verdict: number, answer: Answer, nowMs: number): number {
    let row = verdict;
    if (verdict !== VerdictKind.allowlisted && answer.targetCount > 0) {
      const chainVerdict = this.#judgeTargets(answer, asked);
      // Why asked last: nearly no chain meets a list, and a protected name is not to be taken down by those that do.
      if (
        chainVerdict === VerdictKind.allowlisted ||
        (chainVerdict !== VerdictKind.allowed && this.#isExcepted(query, asked))
      ) {
        this.#cells[Counter.exceptionAnswers]!++;
        if (verdict === VerdictKind.allowed) row = VerdictRow.allowlisted;
      } else if (chainVerdict !== VerdictKind.allowed && !this.#isProtected(query, asked)) {
        if (chainVerdict === VerdictKind.blocked) {
          this.#recorder?.chain(query, this.#policy!.match, this.#seconds(asked.receivedAtMs));
          return this.block(query, asked);
        }
        if (verdict !== VerdictKind.shadow) this.#cells[this.#chainShadowCell]!++;
        row = chainVerdict;
      }
    }
    this.#countVerdict(query, asked, verdict);
    if (nowMs >= answer.freshUntilMs && answer.staleUntilMs > answer.freshUntilMs)
      this.#cells[Counter.cacheStaleAnswers]!++;
    if (answer.rcode !== Rcode.NOERROR && answer.rcode !== Rcode.NXDOMAIN && answer.rcode !== Rcode.YXDOMAIN)
      row = VerdictRow.error;
    return this.#done(query, asked, row, this.#finisher.answer(query, asked.transport, answer, nowMs));
  }

  /**
   * The worst verdict on the names an answer leads to; allowlisted only by an exception for this client. Why remembered for this second only: with time the rule that lets
   * a name through may expire, and uncover one that blocks. Not remembered where it is this client's alone.
   */
  #judgeTargets(answer: Answer, asked: Asked): number {
    const policy = this.#policy;
    if (policy === undefined) return VerdictKind.allowed;
    const nowSeconds = this.#seconds(asked.receivedAtMs);
    if (answer.cleanAtGeneration === policy.generation && answer.cleanAtSeconds === nowSeconds)
      return VerdictKind.allowed;
    let worst: number = VerdictKind.allowed;
    let isForEveryone = true;
    const { octets } = answer;
    for (let target = 0, at = answer.targetsStart; target < answer.targetCount; target++, at += nameBytes(octets, at)) {
      const labelCount = labelStartsOf(octets, at, this.#targetLabels);
      const verdict = policy.judge(octets, at, this.#targetLabels, labelCount, nowSeconds, asked.client);
      if (verdict === VerdictKind.blocked) return verdict;
      isForEveryone &&= policy.isForEveryone;
      if (policy.match.exception !== undefined && verdict === VerdictKind.allowlisted && worst === VerdictKind.allowed)
        worst = verdict;
      if (verdict !== VerdictKind.shadow || worst === verdict) continue;
      worst = verdict;
      this.#chainShadowCell = shadowCounter(policy.match.list.counterSlot, policy.match.categoryIndex);
    }
    if (worst === VerdictKind.allowed && isForEveryone) {
      answer.noteClean(policy.generation, nowSeconds);
    }
    return worst;
  }

  #isProtected({ bytes, qnameStart, labelStarts, labelCount }: QueryView, asked: Asked): boolean {
    const nowSeconds = this.#seconds(asked.receivedAtMs);
    return this.#policy?.isProtected(bytes, qnameStart, labelStarts, labelCount, nowSeconds) === true;
  }

  #isExcepted({ bytes, qnameStart, labelStarts, labelCount }: QueryView, asked: Asked): boolean {
    const nowSeconds = this.#seconds(asked.receivedAtMs);
    const policy = this.#policy!;
    if (!policy.hasExceptions) return false;
    return policy.exceptionFor(bytes, qnameStart, labelStarts, labelCount, nowSeconds, asked.client) !== undefined;
  }

  /**
   * Counts a query whose question a list in shadow mode would have blocked, or an exception let through. Why judged
   * again: others may have been since.
   */
  #countVerdict(query: QueryView, asked: Asked, verdict: number): void {
    if (verdict === VerdictKind.allowed) return;
    if (verdict === VerdictKind.allowlisted && this.#policy?.hasExceptions !== true) return;
    const kind = this.judge(query, asked);
    const match = this.#policy?.match;
    if (match === undefined || kind !== verdict) return;
    if (kind === VerdictKind.shadow) this.#cells[shadowCounter(match.list.counterSlot, match.categoryIndex)]!++;
    else if (match.exception !== undefined) this.#cells[Counter.exceptionAnswers]!++;
  }

  /** ANY, without what there is: one synthesized record (RFC 8482). */
  minimalAny(query: QueryView, asked: Asked, verdict: number): number {
    this.#countVerdict(query, asked, verdict);
    return this.#done(query, asked, verdict, this.#finisher.minimalAny(query, asked.transport));
  }

  /** `verdict`: on the question, where it was asked before. */
  refuse(query: QueryView, asked: Asked, refusal: Refusal, verdict: number = VerdictKind.allowed): number {
    const { transport } = asked;
    this.#countVerdict(query, asked, verdict);
    if (refusal.kind === 'drop') {
      this.#cells[dropCounter(refusal.reason)]!++;
      return DROPPED;
    }
    if (refusal.kind === 'chaos')
      return this.#done(query, asked, VerdictRow.allowed, this.#finisher.chaos(query, transport));
    if (refusal.kind === 'truncate')
      return this.#done(query, asked, VerdictRow.error, this.#finisher.truncated(query, transport));
    const { rcode, extendedError } =
      refusal.rcode === Rcode.NOERROR && this.#isBadProbe(query, asked) ? BAD_COOKIE : refusal;
    return this.#done(
      query,
      asked,
      VerdictRow.error,
      this.#finisher.empty(query, transport, rcode, extendedError),
      rcode,
    );
  }

  #isBadProbe(query: QueryView, { client, receivedAtMs }: Asked): boolean {
    return client !== undefined && this.#cookies.isBadProbe(query, client, this.#seconds(receivedAtMs));
  }

  /** A bug met where no single query is to blame. */
  reportBug(error: Error): void {
    this.#cells[Counter.internalErrors]!++;
    this.#onBug(error);
  }

  /** A bug met while `query` was answered: SERVFAIL where the query can still be answered at all. */
  bug(query: QueryView, asked: Asked, error: Error): number {
    this.reportBug(error);
    if (query.fault === QueryFault.none)
      return this.#done(query, asked, VerdictRow.error, this.#finisher.failure(query, asked.transport, 0));
    this.#cells[dropCounter(DropRow.internalError)]!++;
    return DROPPED;
  }

  /** Counts the response that now lies over the query. Why the header's four bits do: only BADVERS has more. */
  #done(
    query: QueryView,
    asked: Asked,
    verdictRow: number,
    length: number,
    rcode = query.bytes[query.start + 3]! & 0x0f,
  ): number {
    this.#cells[responseCounter(rcode, verdictRow)]!++;
    if (asked.isLate) observeDuration(this.#cells, durationHistogram(verdictRow), this.#lateAtMs - asked.receivedAtMs);
    else this.#inBatch[verdictRow]!++;
    return length;
  }

  /** Times what was answered at once, with one look at the clock, which it returns: no answer of the batch waited longer. */
  endBatch(receivedAtMs: number): number {
    const nowMs = this.nowMs();
    for (let row = 0; row < this.#inBatch.length; row++) {
      const count = this.#inBatch[row]!;
      if (count === 0) continue;
      observeDuration(this.#cells, durationHistogram(row), nowMs - receivedAtMs, count);
      this.#inBatch[row] = 0;
    }
    return nowMs;
  }

  #seconds(atMs: number): number {
    return Math.floor((atMs + this.#wallOffsetMs) / 1000);
  }
}
