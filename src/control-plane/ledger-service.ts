/**
 * All that the control thread does with lists that are changed entry by entry: the ledger, the routes for the people who
 * change them, feeds, rollouts, and what is measured of them. control-thread.ts makes one and tells it of reloads. The data
 * plane answers whether any of it lives or not.
 */
import { monotonicMs, wallClockMs } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Policy } from '../policy/policy.ts';
import type { LedgerMetrics } from '../telemetry/ledger-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { apiRoutes } from './admin/api-routes.ts';
import type { ApiOptions } from './admin/api-plugin.ts';
import type { ApiServices } from './admin/api-services.ts';
import { Authentication, AUTHENTICATION_FAILURES } from './admin/authentication.ts';
import { ExceptionWatch } from './exception-watch.ts';
import { AppealsDesk } from './appeals/appeal-desk.ts';
import { AppealWebhook } from './appeals/appeal-webhook.ts';
import { FeedService } from './feed/feed-service.ts';
import { ledgerSettingsOf } from './ledger-settings.ts';
import { APPEAL_STATES } from './ledger/appeal.ts';
import { LedgerClient } from './ledger/ledger-client.ts';
import type { Ledger, LedgerDelta, LedgerFigures } from './ledger/ledger.ts';
import { OnDemandLedger } from './ledger/on-demand-ledger.ts';
import type { GuardFiles } from './list-sync/guard-files.ts';
import { isOfLedger, ledgerLists } from './list-sync/ledger-list.ts';
import type { ListStatus } from './list-sync/list-status.ts';
import type { ListSync } from './list-sync/list-sync.ts';
import { PulledHolds } from './pulled-holds.ts';
import { rolloutKey } from './rollout-key.ts';
import { ReferenceDesk } from './reference-desk.ts';
import { RolloutWatch } from './rollout-watch.ts';

/** Between two counts of what the ledger has: when nothing is known to have changed, and however much has. Milliseconds. */
const FIGURES_MS = 30_000;
const FIGURES_MS_MIN = 1_000;

export interface LedgerServiceOptions {
  readonly config: Config;
  readonly version: string;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly listSync: () => ListSync;
  /** Of what is published now. */
  readonly policy: () => Policy | undefined;
  /** Live query counts of the resolver threads. */
  readonly queryCounts: readonly SharedArrayBuffer[];
  /** A list's status has changed by what happened here. */
  readonly onStatus: (list: string) => void;
  /** The ledger's thread died and is started again. */
  readonly onDeath: () => void;
}

export class LedgerService {
  readonly #options: LedgerServiceOptions;
  readonly #onDemand: OnDemandLedger;
  readonly #feeds: FeedService;
  readonly #rollouts: RolloutWatch;
  /** What is held of pulled lists, and what people have let through. */
  readonly pulledHolds: PulledHolds;
  readonly #exceptions: ExceptionWatch;
  readonly #webhook: AppealWebhook;
  /** Answers what the warning page asks about objections. */
  readonly desk: AppealsDesk;
  /** Answers under which reference an entry was ordered. */
  readonly references: ReferenceDesk;
  readonly api: ApiOptions;
  #config: Config;
  #measured: LedgerMetrics | undefined;
  #isUp = false;
  #figures: LedgerFigures | undefined;
  #figuresTimer: NodeJS.Timeout | undefined;
  #countedMs = -Infinity;

  constructor(options: LedgerServiceOptions) {
    const { config, log } = options;
    this.#options = options;
    this.#config = config;
    this.#onDemand = new OnDemandLedger({ stateDirectory: config.stateDirectory, open: () => this.#open() });
    const { ledger } = this.#onDemand;
    this.pulledHolds = new PulledHolds(() => this.#onDemand.ifThere(), log);
    const apply = (delta: LedgerDelta): Promise<void> => this.#apply(delta);
    this.#feeds = new FeedService({
      ledger,
      apply,
      onStatus: ({ list }) => options.onStatus(list),
      onRedirects: (list, hosts) => options.listSync().redirected(list, hosts),
      log,
    });
    const key = rolloutKey(config.stateDirectory);
    this.#rollouts = new RolloutWatch({
      ledger: () => this.#onDemand.ifThere(),
      apply,
      setStages: (stages) => options.listSync().setAudience({ rollouts: { key, stages } }),
      appealsMax: (list) => this.#config.lists.find(({ name }) => name === list)?.rolloutAppealsMax ?? 0,
      radius: () => ({ queryCounts: options.queryCounts, blastRadius: this.#config.blastRadius }),
      log,
    });
    this.#exceptions = new ExceptionWatch({
      ledger: () => this.#onDemand.ifThere(),
      setExceptions: (exceptions) => options.listSync().setAudience({ exceptions }),
    });
    this.#webhook = new AppealWebhook(log);
    this.desk = new AppealsDesk({
      ledger,
      config: () => this.#config,
      onLedgerChanged: () => void this.#onChanged(),
      webhook: this.#webhook,
      log,
    });
    this.references = new ReferenceDesk({
      ledger: () => this.#onDemand.ifThere(),
      isOfLedger: (of) => this.#config.lists.some((list) => list.name === of && isOfLedger(list)),
      entriesOf: (list, name) => options.listSync().entriesOf(list, name),
    });
    const services = this.#services();
    const routes = apiRoutes(services, options.version);
    this.api = {
      routes,
      authentication: new Authentication(ledger, (failure) => this.#measured?.countAuthenticationFailure(failure)),
      onAnswer: (url, status) => this.#measured?.countRequest(url, status),
    };
  }

  get ledger(): Ledger {
    return this.#onDemand.ledger;
  }

  /** Before list-sync starts: opens what the configuration needs. Errors: none. */
  configure(config: Config, guardFiles: GuardFiles): void {
    this.#config = config;
    void this.#onDemand.configure(ledgerSettingsOf(config, guardFiles, this.#options.queryCounts));
    this.#measured?.setPushLists(pushListsOf(config));
  }

  /** Before list-sync publishes: the first policy of this thread lets through whom the one in force does. Errors: none. */
  async prepare(): Promise<void> {
    await this.#lookAtExceptions();
  }

  /** Before list-sync publishes: for whom rules hold goes with its first policy. Errors: none, they are logged. */
  async tellAudience(): Promise<void> {
    const telling = this.#rollouts.tell().catch((error: unknown) => {
      this.#options.log.error(
        { error: String(error) },
        'rollouts cannot be told of; what they stage holds for nobody yet',
      );
    });
    await Promise.all([telling, this.#lookAtExceptions()]);
  }

  /** Once list-sync has published: follows and publishes feeds, and looks after rollouts. */
  async start(): Promise<void> {
    await Promise.all([this.#feeds.configure(this.#config), this.#rollouts.look(), this.#lookAtExceptions()]);
  }

  /** What is known of a list here, added to what list-sync knows of it. */
  complete(status: ListStatus): ListStatus {
    const list = this.#config.lists.find(({ name }) => name === status.name);
    if (list === undefined || !isOfLedger(list)) return status;
    const holdsByGuard: Record<string, number> = {};
    for (const { list: of, guard, count } of this.#figures?.openHolds ?? [])
      if (of === list.name) holdsByGuard[guard] = count;
    if (list.sourceKind === 'push') {
      // Why now: a list that is pushed to is in order as long as its ledger is.
      const lastSuccessSeconds = this.#isUp ? Math.floor(wallClockMs() / 1000) : status.lastSuccessSeconds;
      return { ...status, holdsByGuard, lastSuccessSeconds };
    }
    const feed = this.#feeds.status(list.name);
    const { attempted = false, lastSuccessSeconds = 0, failure = status.failure } = feed ?? {};
    const { failure: _own, ...rest } = status;
    return { ...rest, holdsByGuard, attempted, lastSuccessSeconds, ...(failure !== undefined && { failure }) };
  }

  async close(): Promise<void> {
    clearTimeout(this.#figuresTimer);
    this.#rollouts.close();
    this.#webhook.close();
    await this.#feeds.close();
    await this.#onDemand.close();
  }

  #open(): LedgerClient {
    const { metrics, log } = this.#options;
    this.#measured = metrics.registerLedger();
    this.#measured.setApi(
      this.api.routes.map(({ url }) => url),
      AUTHENTICATION_FAILURES,
    );
    this.#measured.setPushLists(pushListsOf(this.#config));
    this.#measureAppeals({ states: [], overdue: [] });
    this.#measured.setLedgerUp(false);
    return new LedgerClient({
      stateDirectory: this.#config.stateDirectory,
      onState: (isUp, message) => this.#onState(isUp, message),
      onLate: () => {
        void this.#options.listSync().catchUp();
        void this.#lookAtExceptions();
        void this.#onChanged();
      },
      onDeath: (message) => {
        log.error({}, message);
        this.#options.onDeath();
      },
    });
  }

  #onState(isUp: boolean, message: string): void {
    const { log, listSync } = this.#options;
    const wasUp = this.#isUp;
    this.#isUp = isUp;
    this.#measured?.setLedgerUp(isUp);
    if (!isUp) {
      log.error({}, `the ledger takes no changes: ${message}; what is in force stays`);
      return;
    }
    log.info({}, 'the ledger is open');
    if (!wasUp) void Promise.all([listSync().catchUp(), this.pulledHolds.bringAll()]);
    void this.#lookAtExceptions();
    void this.#onChanged();
  }

  async #apply(delta: LedgerDelta): Promise<void> {
    const isStaged = delta.names?.some(({ entries }) => entries.some(({ rolloutSlot }) => rolloutSlot > 0)) === true;
    // Why first: entries of a slot that nobody has told of hold for nobody.
    const [told] = await Promise.allSettled([isStaged ? this.#rollouts.tell() : undefined]);
    await this.#options.listSync().apply(delta);
    this.#feeds.changed(delta);
    void this.#onChanged();
    if (told.status === 'rejected') throw told.reason;
  }

  /** Errors: none. */
  #lookAtExceptions(): Promise<void> {
    return this.#exceptions.look().catch((error: unknown) => {
      this.#options.log.error({ error: String(error) }, 'exceptions cannot be looked at; those in force stay');
    });
  }

  /** Holds, rollouts or the audit chain may have changed. */
  #onChanged(): Promise<void> {
    this.#countWithin(Math.max(0, this.#countedMs + FIGURES_MS_MIN - monotonicMs()));
    return this.#rollouts.look();
  }

  #countWithin(ms: number): void {
    clearTimeout(this.#figuresTimer);
    this.#figuresTimer = setTimeout(() => void this.#count(), ms).unref();
  }

  async #count(): Promise<void> {
    this.#countedMs = monotonicMs();
    const figures = await (await this.#onDemand.ifThere())?.figures().catch(() => undefined);
    if (figures !== undefined) {
      this.#figures = figures;
      this.#measured?.setAuditRecords(figures.auditRecords);
      this.#measured?.setExceptions(figures.activeExceptions);
      this.#measureAppeals(figures.appeals);
      for (const name of ledgerLists(this.#config)) this.#options.onStatus(name);
    }
    this.#countWithin(FIGURES_MS);
  }

  #measureAppeals({ states, overdue }: LedgerFigures['appeals']): void {
    for (const state of APPEAL_STATES) {
      this.#measured?.setAppeals(state, states.find((one) => one.state === state)?.count ?? 0);
    }
    for (const { name } of this.#config.lists) {
      this.#measured?.setOverdueAppeals(name, overdue.find(({ list }) => list === name)?.count ?? 0);
    }
  }

  #services(): ApiServices {
    const { log, listSync, policy } = this.#options;
    return {
      ledger: this.ledger,
      config: () => this.#config,
      listStatus: () =>
        listSync()
          .readiness()
          .lists.map((status) => this.complete(status)),
      apply: (delta) => this.#apply(delta),
      fileAppeal: (appeal) => this.desk.answer({ kind: 'file', appeal }),
      appealDecided: (decided) => this.desk.decided(decided),
      exceptionsChanged: () => this.#exceptions.look(),
      approvalsChanged: (list) => listSync().approvalsChanged(list),
      policy,
      finder: { findEntries: (name) => listSync().findEntries(name) },
      metrics: {
        countPush: (list, outcome) => this.#measured?.countPush(list, outcome),
        countPushedEntries: (list, entries) => this.#measured?.countPushedEntries(list, entries),
        observePush: (seconds) => this.#measured?.observePush(seconds),
      },
      feeds: () => this.#feeds.publisher,
      onLedgerChanged: () => this.#onChanged(),
      log,
    };
  }
}

function pushListsOf({ lists }: Pick<Config, 'lists'>): string[] {
  return lists.filter(({ sourceKind }) => sourceKind === 'push').map(({ name }) => name);
}
