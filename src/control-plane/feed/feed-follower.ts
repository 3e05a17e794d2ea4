/**
 * Follows one signed feed: asks for its manifest (waiting at the server where that is offered, else at an interval),
 * believes it or refuses it, brings the list to its version, and puts that in force. Whatever fails, what is in force
 * stays; every refusal is a status (and so a metric), a log line and a record in the audit chain.
 *
 * manifest -> feed-check -> feed-update: files, verified -> ledger, durable -> onDelta: in force -> followed.signed
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monotonicMs, wallClockMs } from '../../clock.ts';
import type { ListConfig } from '../../config/config.ts';
import type { Ledger, LedgerDelta } from '../ledger/ledger.ts';
import type { SyncFailure } from '../list-sync/list-status.ts';
import { FeedFetch, type OnRedirects } from '../list-sync/sources/feed-fetch.ts';
import { nextWaitMs } from '../list-sync/sources/https-source.ts';
import type { NetworkView } from '../list-sync/sources/redirect-guard.ts';
import type { SyncLog } from '../list-sync/sync-log.ts';
import { checkManifest, type AcceptedManifest, type HeldVersion } from './feed-check.ts';
import { isFeedRefusal } from './feed-refusals.ts';
import { failedFeed, FeedSource, type FeedFailure, type WaitFor } from './feed-source.ts';
import { updateTo, type UpdateLedger } from './feed-update.ts';
import { parseManifest, sha256Of } from './manifest.ts';
import { parsePublicKey, type MinisignPublicKey } from './minisign.ts';
import { parseSigned, signedBytes, signerOf, type SignedManifest } from './signed-manifest.ts';

/** Below the state directory: what is followed (and published), a folder a list. */
export const FEEDS_FOLDER = 'feeds';
const FOLLOWED_NAME = 'followed.signed';
/** How long one request waits at the server, at the most. */
export const WAIT_SECONDS_MAX = 60;
/** Between two requests, however soon a server that said it waits has answered. */
const TURN_MS_MIN = 1000;
/** Longest pause after failures where the server is one that waits: when it is back, it is asked soon. */
export const WAITING_BACKOFF_MS_MAX = 30_000;
/** A refusal that repeats is recorded again after this. */
const REPEAT_RECORD_MS = 3_600_000;

export interface FeedStatus {
  readonly list: string;
  /** Of the feed; 0 before the first. */
  readonly version: number;
  /** True once a first attempt has ended, well or badly. */
  readonly attempted: boolean;
  /** When the server last had a manifest that was believed. Units: seconds since 1970, 0 for never. */
  readonly lastSuccessSeconds: number;
  /** Of the last attempt; undefined when it was good. */
  readonly failure: SyncFailure | undefined;
}

export interface FollowerOptions {
  readonly list: ListConfig;
  readonly stateDirectory: string;
  readonly ledger: UpdateLedger & Pick<Ledger, 'feedPosition' | 'record'>;
  /** Resolves when it is in force. */
  readonly onDelta: (delta: LedgerDelta) => Promise<void>;
  readonly onStatus: (status: FeedStatus) => void;
  /** A fetch that was good led through these hosts. */
  readonly onRedirects: OnRedirects;
  readonly log: SyncLog;
  /** For tests. */
  readonly network?: NetworkView;
}

export class FeedFollower {
  readonly #options: FollowerOptions;
  readonly #keys: readonly MinisignPublicKey[];
  readonly #source: FeedSource;
  readonly #folder: string;
  #held: HeldVersion | undefined;
  #status: FeedStatus;
  #owed: LedgerDelta | undefined;
  /** That signed what is held. */
  #keyId = '';
  #waitSeconds = 0;
  #failures = 0;
  #recorded: { readonly reason: string; readonly atMs: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: FollowerOptions) {
    const { list, stateDirectory, network, onRedirects } = options;
    this.#options = options;
    this.#folder = join(stateDirectory, FEEDS_FOLDER, list.name);
    this.#source = new FeedSource(new FeedFetch(list, { onRedirects, network }), join(this.#folder, 'incoming'));
    this.#keys = list.feedKeys.flatMap((text) => {
      const key = parsePublicKey(text);
      return key.kind === 'ok' ? [key.value] : [];
    });
    this.#status = { list: list.name, version: 0, attempted: false, lastSuccessSeconds: 0, failure: undefined };
  }

  get config(): ListConfig {
    return this.#options.list;
  }

  get stateDirectory(): string {
    return this.#options.stateDirectory;
  }

  status(): FeedStatus {
    return this.#status;
  }

  /** Begins; resolves when the first attempt has ended. */
  start(): Promise<void> {
    this.#turn = this.#takeTurn();
    return this.#turn;
  }

  /** Resolves when nothing of it is on its way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#source.close();
    await this.#turn;
  }

  async #takeTurn(): Promise<void> {
    const startedMs = monotonicMs();
    const before = this.#held?.version ?? 0;
    const failure = await this.#attempt().catch((error: unknown) =>
      failedFeed({ reason: 'internal', message: `following the feed failed: ${String(error)}` }),
    );
    if (this.#closed) return;
    await this.#settle(failure);
    const isNews = this.#status.version !== before;
    const waitMs = this.#nextTurnMs(failure, isNews, monotonicMs() - startedMs);
    this.#timer = setTimeout(() => {
      this.#turn = this.#takeTurn();
    }, waitMs);
  }

  #nextTurnMs(failure: FeedFailure | undefined, isNews: boolean, tookMs: number): number {
    const isWaiting = this.#waitSeconds > 0;
    if (failure === undefined && isWaiting) return isNews ? 0 : Math.max(0, TURN_MS_MIN - tookMs);
    const refreshMs = this.#options.list.refreshSeconds * 1000;
    const longestMs = isWaiting ? Math.min(refreshMs, WAITING_BACKOFF_MS_MAX) : refreshMs;
    return nextWaitMs(longestMs, this.#failures, failure?.retryAfterMs ?? 0, Math.random());
  }

  async #attempt(): Promise<FeedFailure | undefined> {
    this.#held ??= await this.#recall();
    await this.#putInForce();
    const held = this.#held;
    // Why not after a failure: what is wrong may be at this version already, and waiting would hide that it is mended.
    const isWaiting = this.#waitSeconds > 0 && this.#failures === 0;
    const accepted = await this.#believedManifest(
      held,
      isWaiting ? { after: held.version, seconds: this.#waitSeconds } : undefined,
    );
    if (accepted === undefined) return undefined;
    if (accepted.kind === 'failed') return accepted;
    await this.#noteKey(accepted.keyId);
    if (accepted.manifest.version === held.version) {
      await this.#remember(accepted.signed, accepted);
      return undefined;
    }
    const { ledger, list, log } = this.#options;
    const outcome = await updateTo(accepted, held, { ledger, source: this.#source, bytesMax: list.bytesMax });
    if (this.#closed) return undefined;
    if (outcome.kind === 'failed') {
      // Why: what the ledger has may be another version than was thought.
      this.#held = await this.#recall();
      return outcome;
    }
    const { done, route } = outcome;
    const { version } = accepted.manifest;
    await this.#remember(accepted.signed, accepted);
    this.#owed = done.delta;
    await this.#putInForce();
    const { accepted: added, removed, heldTotal } = done;
    const by = route.snapshot === undefined ? 'deltas' : 'snapshot';
    log.info({ list: list.name, version, by, added, removed, held: heldTotal }, 'a feed was updated');
    await this.#source.discardDownloads();
    return undefined;
  }

  /** What is durable and not in force yet. Errors: rejects where that failed; the next turn tries again. */
  async #putInForce(): Promise<void> {
    if (this.#owed === undefined) return;
    await this.#options.onDelta(this.#owed);
    this.#owed = undefined;
  }

  /** Undefined: the feed has no version yet. */
  async #believedManifest(
    held: HeldVersion,
    wait: WaitFor | undefined,
  ): Promise<(AcceptedManifest & { readonly signed: SignedManifest }) | FeedFailure | undefined> {
    // Why twice: manifest and signature may have been replaced between the two requests.
    for (let attempt = 0; ; attempt += 1) {
      const fetched = await this.#source.manifest(wait);
      if (fetched.kind === 'failed') return fetched;
      this.#waitSeconds = Math.min(fetched.waitSecondsMax, WAIT_SECONDS_MAX);
      if (fetched.kind === 'nothingYet') return undefined;
      const checked = checkManifest(fetched.signed, this.#keys, this.#options.list.name, held, wallClockMs());
      if (checked.kind === 'accepted') return { ...checked, signed: fetched.signed };
      const { reason, message } = checked;
      if (reason !== 'feedSignature' || !fetched.isPair || attempt > 0) return failedFeed({ reason, message });
    }
  }

  async #settle(failure: FeedFailure | undefined): Promise<void> {
    const { list, log, onStatus } = this.#options;
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    const before = this.#status;
    const isGood = failure === undefined;
    this.#status = {
      list: list.name,
      version: this.#held?.version ?? before.version,
      attempted: true,
      lastSuccessSeconds: isGood ? Math.floor(wallClockMs() / 1000) : before.lastSuccessSeconds,
      failure: failure?.failure,
    };
    onStatus(this.#status);
    if (isGood) {
      this.#recorded = undefined;
      if (before.failure !== undefined) log.info({ list: list.name }, 'a feed can be followed again');
      return;
    }
    const { reason, message } = failure.failure;
    log.warn({ list: list.name, reason, version: this.#status.version }, message);
    await this.#record(reason, message);
  }

  /** Of refusals only: a server that does not answer is no event of the list. */
  async #record(reason: string, message: string): Promise<void> {
    const nowMs = monotonicMs();
    const isRepeat = this.#recorded?.reason === reason && nowMs - this.#recorded.atMs < REPEAT_RECORD_MS;
    if (isRepeat || !isFeedRefusal(reason)) return;
    this.#recorded = { reason, atMs: nowMs };
    const { ledger, list } = this.#options;
    await ledger.record('feed', 'feedRefused', list.name, { reason, message }).catch(() => undefined);
  }

  /** That another key is believed than the one before, or a first one, is a record of its own. */
  async #noteKey(key: string): Promise<void> {
    if (key === this.#keyId) return;
    const { ledger, list } = this.#options;
    await ledger.record('feed', 'feedKey', list.name, { key, before: this.#keyId === '' ? null : this.#keyId });
    this.#keyId = key;
  }

  /** What the ledger has, and the manifest of it where that was kept. */
  async #recall(): Promise<HeldVersion> {
    const { version, keyId } = await this.#options.ledger.feedPosition(this.#options.list.name);
    const bytes = await readFile(join(this.#folder, FOLLOWED_NAME)).catch(() => undefined);
    const signed = bytes === undefined ? undefined : parseSigned(bytes);
    // Why by the manifest: a version may have been signed anew since the ledger got it.
    this.#keyId = signed?.kind === 'ok' ? signerOf(signed.value) : keyId;
    const parsed = signed?.kind === 'ok' ? parseManifest(signed.value.manifest) : undefined;
    if (signed?.kind !== 'ok' || parsed?.kind !== 'ok' || parsed.value.version !== version) {
      return { version, manifest: undefined };
    }
    return { version, manifest: { sha256: sha256Of(signed.value.manifest), value: parsed.value } };
  }

  /** Keeps the manifest, so that the chain can be told after a restart too. A disk that takes nothing is no failure. */
  async #remember(signed: SignedManifest, { manifest, sha256 }: AcceptedManifest): Promise<void> {
    const isKept = this.#held?.manifest?.sha256 === sha256;
    this.#held = { version: manifest.version, manifest: { sha256, value: manifest } };
    if (isKept) return;
    const path = join(this.#folder, FOLLOWED_NAME);
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(`${path}.new`, signedBytes(signed), { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (error) {
      this.#options.log.warn({ list: manifest.list, error: String(error) }, 'the manifest of a feed could not be kept');
    }
  }
}
