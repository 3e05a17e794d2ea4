/**
 * One configured list: its source, its newest content and the content in force. Reads when the source says so, keeps the
 * last good content whatever the source does, and tells list-sync when there is something to compile. Must not publish.
 *
 * source.read -> list-update: parse, compare -> content (newest) -> list-sync: build and publish -> content (in force) -> store
 */
import type { ListConfig } from '../../config/config.ts';
import { monotonicMs } from '../../clock.ts';
import type { BuildList } from './compile-jobs.ts';
import { LastGoodCopy } from './last-good-copy.ts';
import { dependsOnSharedHosts, isOfSetting, versionOf, type ListContent } from './list-content.ts';
import { isOfLedger } from './ledger-list.ts';
import type { ListHolds } from './list-holds.ts';
import type { ListStatus, SyncFailure } from './list-status.ts';
import { logInForce, statusOfTask } from './task-status.ts';
import { readUpdate, type UpdateServices } from './list-update.ts';
import type { ParseOutcome } from './parse-list.ts';
import { isSameSegment, type SegmentData } from './segment-data.ts';
import { RetryTimer } from './retry-timer.ts';
import { removeSpilled } from './segment-memory.ts';
import { SourceHealth } from './source-health.ts';
import type { PushedVersion } from './push/push-lanes.ts';
import type { SnapshotList } from './policy-snapshot.ts';
import type { ListSource, ReadOutcome, Validators } from './sources/list-source.ts';
import { isSameSource, openSource } from './sources/sources.ts';
import { UpdateGate, type GateServices } from './update-gate.ts';

export interface TaskServices extends UpdateServices, GateServices {
  /** There is a new content to compile. */
  readonly onContent: () => void;
  readonly onStatus: (status: ListStatus) => void;
  /** The list was fetched through these hosts. */
  readonly onRedirects: (list: ListConfig, hosts: readonly string[]) => void;
  /** For tests. */
  readonly retryFirstMs?: number | undefined;
}

export class ListTask {
  #config: ListConfig;
  readonly #services: TaskServices;
  #source: ListSource;
  #newest: ListContent | undefined;
  #inForce: ListContent | undefined;
  #entriesInForce = 0;
  #activationSeconds = 0;
  #pushed: PushedVersion | undefined;
  #validators: Validators | undefined;
  readonly #gate: UpdateGate;
  readonly #copy: LastGoodCopy;
  readonly #health: SourceHealth;
  /** Whether the newest content was read from this source as this format. */
  #isOfSetting = false;
  #closed = false;
  #isLost = false;
  #running: Promise<void> | undefined;
  #again: { force: boolean } | undefined;
  readonly #retry: RetryTimer;

  constructor(config: ListConfig, services: TaskServices) {
    this.#config = config;
    this.#services = services;
    this.#gate = new UpdateGate(config.name, services);
    this.#copy = new LastGoodCopy(config.name, services);
    this.#health = new SourceHealth(config.name, services.log);
    this.#source = openSource(config, services.store().stateDirectory);
    // Why forced: the file has not changed, and what was read of it is lost.
    this.#retry = new RetryTimer(() => void this.sync(true), services.retryFirstMs);
  }

  get config(): ListConfig {
    return this.#config;
  }

  get isOfLedger(): boolean {
    return isOfLedger(this.#config);
  }

  get newest(): ListContent | undefined {
    return this.#newest;
  }

  /** Names in force though the guard would hold them. */
  get approved(): readonly string[] {
    return this.#gate.approved(this.#config.approved);
  }

  /** Asks what people have let through, before the start and whenever that may have changed. */
  async readApprovals(): Promise<void> {
    if (this.isOfLedger) return;
    const changed = await this.#gate.readApprovals();
    if (this.#closed || changed === 'nothing') return;
    if (changed === 'update') await this.sync(true);
    else if (this.#newest !== undefined) this.#services.onContent();
  }

  /** First the record, then the content: a file at once, a URL in the background where a last good copy can stand in. */
  async start(): Promise<void> {
    const record = await this.#copy.readRecord();
    const { source, format } = this.#config;
    this.#isOfSetting = record !== undefined && isOfSetting(record, source, format);
    this.#health.lastSuccessSeconds = record?.lastSuccessSeconds ?? 0;
    // Why not when resumed: the ledger is asked what has changed since (push-lanes.ts).
    if (this.isOfLedger) return this.#newest === undefined ? this.sync(true) : undefined;
    if (this.#config.sourceKind === 'file') {
      await this.sync(this.#newest === undefined);
      if (this.#newest === undefined) await this.#restore();
      this.#watch();
      return;
    }
    // Why: a change that went into an overlay is in the last good copy, not in the snapshot.
    if (this.#newest === undefined || (record?.version ?? 0) > this.#newest.version) await this.#restore();
    this.#watch();
    void this.sync(false);
  }

  /** Before the start: the content that a snapshot of the index was made of. */
  resume({ version, facts, validators, payloadBytes, payloadSha256 }: SnapshotList, holds: ListHolds): void {
    const path = this.#services.store().segmentPath(this.#config.name);
    const segment: SegmentData = { kind: 'disk', path, copyPath: path, payloadBytes, payloadSha256 };
    const content = { version, facts, holds, fromLastGoodCopy: false, validators };
    this.#newest = { ...content, segment: this.#services.segments.adopt(segment), seenMs: monotonicMs() };
    this.#copy.is(version);
    this.#validators = validators;
  }

  /** Takes a changed configuration of the same list, or names of shared hosts that have changed. */
  async reconfigure(config: ListConfig, sharedHostsChanged: boolean): Promise<void> {
    const before = this.#config;
    this.#config = config;
    if (!isSameSource(before, config)) {
      this.#source.close();
      this.#source = openSource(config, this.#services.store().stateDirectory);
      this.#watch();
    }
    if (before.source !== config.source) this.#validators = undefined;
    const sameParse = before.format === config.format && before.source === config.source;
    if (!sameParse) this.#isOfSetting = false;
    // Why: what held it may be set otherwise now.
    const isHeld = this.#gate.held !== undefined;
    if (this.isOfLedger) {
      if (!isSameSource(before, config)) await this.sync(true);
    } else if (config.sourceKind === 'file') await this.sync(true);
    else void this.sync(!sameParse || isHeld || (sharedHostsChanged && dependsOnSharedHosts(this.#newest?.facts)));
  }

  /** Reads the source and parses what is new. Runs once at a time; a call meanwhile leads to one more run. */
  sync(force: boolean): Promise<void> {
    if (this.#running !== undefined) {
      this.#again = { force: force || this.#again?.force === true };
      return this.#running;
    }
    this.#running = this.#syncLoop(force);
    return this.#running;
  }

  /** What stood in the way of compiling may be gone: tries again at once what failed because of it. */
  retry(): void {
    if (this.#health.failure?.reason === 'internal') void this.sync(true);
  }

  /** Reads again what was read by the names of shared hosts before. */
  sharedHostsChanged(): void {
    if (dependsOnSharedHosts(this.#newest?.facts)) void this.sync(true);
  }

  /** What the compiler is to merge of this list. */
  buildList(): BuildList {
    const { name, category, mode, action } = this.#config;
    return {
      settings: { name, category, mode, action },
      segment: this.#newest?.segment,
      entries: this.#newest?.facts.entries ?? 0,
      nameBytes: this.#newest?.facts.nameBytes,
      approved: this.approved,
      holds: this.#newest?.holds,
      radiusHeld: this.#newest?.facts.radiusHeld,
    };
  }

  /** Told when every thread judges by this content. */
  activated(content: ListContent | undefined, entriesInForce: number, holds: ListHolds): void {
    const isNew = content !== undefined && content.version !== this.#inForce?.version;
    const heldBefore = this.#inForce?.holds.held.length ?? 0;
    this.#inForce = content === undefined ? undefined : { ...content, holds };
    if (this.#newest === content && this.#inForce !== undefined) this.#newest = this.#inForce;
    this.#entriesInForce = entriesInForce;
    if (isNew) this.#activationSeconds = (monotonicMs() - content.seenMs) / 1000;
    if (isNew || holds.held.length !== heldBefore)
      logInForce(this.#services.log, this.#config.name, this.#inForce, entriesInForce);
    if (!this.isOfLedger) this.#gate.report(this.#inForce);
    this.report();
  }

  /** Told when every thread judges by what was pushed on top of the content in force. */
  pushed(version: PushedVersion): void {
    this.#pushed = version;
    this.report();
  }

  /** Whether the last good copy is the newest content. */
  get isStored(): boolean {
    return this.#newest === undefined || this.#newest.version === this.#copy.version;
  }

  /** Writes the content in force as the last good copy, if that is not there yet. */
  async persist(): Promise<void> {
    const content = this.#inForce;
    if (content === undefined || content.fromLastGoodCopy || content.version === this.#copy.version) return;
    // A newer content has taken its place already, and its memory with it.
    if (content.segment !== this.#newest?.segment) return;
    const { lastSuccessSeconds } = this.#health;
    const failure = await this.#copy.write(content, this.#config, this.#validators, lastSuccessSeconds);
    if (failure === undefined || this.#closed) return;
    this.#fail(failure);
    this.report();
  }

  status(): ListStatus {
    return statusOfTask({
      name: this.#config.name,
      content: this.#inForce,
      entriesInForce: this.#entriesInForce,
      pushed: this.#pushed,
      heldUpdate: this.#gate.held,
      lastSuccessSeconds: this.#health.lastSuccessSeconds,
      activationSeconds: this.#activationSeconds,
      attempted: this.#health.attempted,
      failure: this.#health.failure,
    });
  }

  report(): void {
    if (!this.#closed) this.#services.onStatus(this.status());
  }

  close(): void {
    this.#closed = true;
    this.#retry.reset();
    this.#source.close();
    this.#retire();
  }

  #watch(): void {
    if (!this.#closed) this.#source.watch(() => void this.sync(false));
  }

  async #syncLoop(force: boolean): Promise<void> {
    let next: { force: boolean } | undefined = { force };
    while (next !== undefined && !this.#closed) {
      this.#again = undefined;
      await this.#syncOnce(next.force);
      next = this.#again;
    }
    this.#running = undefined;
  }

  async #syncOnce(force: boolean): Promise<void> {
    const seenMs = monotonicMs();
    const source = this.#source;
    const { validators } = this.#gate.held ?? { validators: this.#validators };
    const outcome = await source.read({ validators, force });
    // Why before: this very content may block one of them.
    if (!this.#closed && outcome.kind !== 'failed' && outcome.redirectHosts !== undefined)
      this.#services.onRedirects(this.#config, outcome.redirectHosts);
    const failure = await this.#take(outcome, seenMs);
    if (this.#closed) return;
    source.settle(failure === undefined ? 'good' : 'failed');
    // Why files alone: a URL is asked again by itself, sooner after a failure.
    const isRetried = this.isOfLedger || (failure?.reason === 'internal' && this.#config.sourceKind === 'file');
    if (failure !== undefined && isRetried) this.#retry.later();
    else this.#retry.reset();
    this.#health.attempted = true;
    if (failure !== undefined) this.#fail(failure);
    // Why: what was resumed stands in for a source that does not give anything.
    if (failure !== undefined && this.#inForce === undefined && this.#newest !== undefined)
      this.#newest = { ...this.#newest, fromLastGoodCopy: true };
    if (failure !== undefined) return this.report();
    if (this.#gate.held !== undefined) this.#health.clear();
    else if (outcome.kind === 'content' || (outcome.kind === 'unchanged' && outcome.confirmed)) this.#health.succeed();
    this.report();
  }

  async #take(outcome: ReadOutcome, seenMs: number): Promise<SyncFailure | undefined> {
    if (outcome.kind === 'failed') return outcome.failure;
    if (outcome.kind === 'unchanged') return outcome.confirmed ? undefined : this.#health.failure;
    const request = {
      config: this.#config,
      approved: this.approved,
      approvals: this.#gate.approvals,
      newest: this.#newest,
      isMeasured: this.#isOfSetting,
    };
    const update = await readUpdate(outcome, request, this.#services);
    if (update.kind === 'failed') return update.failure;
    if (update.kind === 'held') {
      this.#gate.hold(update.update, this.#inForce, this.#newest?.version ?? 0);
      return undefined;
    }
    if (this.#closed) return removeSpilled(update.parsed.segment);
    this.#gate.letGo();
    await this.#takeParsed(update.parsed, outcome.validators, seenMs);
    this.#validators = outcome.validators;
    return undefined;
  }

  async #takeParsed(
    parsed: Extract<ParseOutcome, { kind: 'parsed' }>,
    validators: Validators | undefined,
    seenMs: number,
  ): Promise<void> {
    // Nothing was ever pushed; what another source of this name gave before is over.
    if (parsed.version === 0) return this.#drop();
    const before = this.#newest?.facts;
    for (const warning of parsed.warnings) {
      this.#services.log.warn({ list: this.#config.name, line: warning.lineNumber }, warning.text);
    }
    const isSameRead = this.#newest === undefined || isSameSegment(this.#newest.segment, parsed.segment);
    const { sourceSha256, format } = parsed.facts;
    const version = parsed.version ?? versionOf(sourceSha256, this.#newest, this.#copy.record, format, isSameRead);
    const isSame = version === this.#newest?.version && before?.format === parsed.facts.format;
    if (isSame && this.#newest?.fromLastGoodCopy === false && !this.#isLost) {
      // The guard may have changed all the same.
      this.#newest = { ...this.#newest, holds: parsed.holds, validators };
      return removeSpilled(parsed.segment);
    }
    // Why: a copy that is lost has to be written again, though the version is the same.
    if (this.#isLost) this.#copy.is(0);
    this.#isLost = false;
    const { facts, holds } = parsed;
    this.#isOfSetting = true;
    this.#adopt({ version, facts, holds, fromLastGoodCopy: false, seenMs, validators }, parsed.segment);
  }

  /** The segment cannot be read any more: what is in force stays, and the source is read again. */
  recover(message: string): void {
    this.#services.log.error({ list: this.#config.name }, `${message}; the list is read again from its source`);
    this.#isLost = true;
    void this.sync(true);
  }

  async #restore(): Promise<void> {
    const { name, source, format } = this.#config;
    const seenMs = monotonicMs();
    const restored = await this.#copy.read(this.approved);
    if (restored === undefined || this.#closed) return;
    const { version, facts, holds, segment } = restored;
    const { record } = this.#copy;
    const isOfSource = record?.sha256 === facts.sourceSha256 && isOfSetting(record, source, format);
    // Why not with shared hosts: since the copy was read their names may have changed.
    const isCurrent = isOfSource && !dependsOnSharedHosts(facts);
    const validators = isCurrent ? record.validators : undefined;
    this.#adopt({ version, facts, holds, fromLastGoodCopy: true, seenMs, validators }, segment);
    this.#copy.is(version);
    if (isOfSource) this.#validators = validators;
    this.#services.log.warn(
      { list: name, version, entries: facts.entries },
      'the last good copy is used until the source can be read',
    );
  }

  #drop(): void {
    if (this.#newest === undefined) return;
    this.#retire();
    this.#newest = undefined;
    this.#services.onContent();
  }

  #adopt(content: Omit<ListContent, 'segment'>, segment: SegmentData): void {
    this.#retire();
    this.#newest = { ...content, segment: this.#services.segments.adopt(segment) };
    this.#services.onContent();
  }

  #retire(): void {
    if (this.#newest !== undefined) this.#services.segments.release([this.#newest.segment]);
  }

  #fail(failure: SyncFailure): void {
    this.#health.fail(failure, this.#newest?.version ?? 0);
  }
}
