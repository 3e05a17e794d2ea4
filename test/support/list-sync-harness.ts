/**
 * A list-sync in a temporary folder: lists as files, policies captured as they are published, and waiting for what was
 * published or reported instead of for time.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config, ListConfig } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load-config.ts';
import type { CompileRunner, JobOutcome } from '../../src/control-plane/list-sync/compile-client.ts';
import { CompileWorkshop, type JobKind, type JobOf } from '../../src/control-plane/list-sync/compile-jobs.ts';
import type { Ledger } from '../../src/control-plane/ledger/ledger.ts';
import type { ListStatus } from '../../src/control-plane/list-sync/list-status.ts';
import type { ListApprovals, ListHoldsReport } from '../../src/control-plane/ledger/ledger.ts';
import { createListSync, type ListSync } from '../../src/control-plane/list-sync/list-sync.ts';
import { LABELS_MAX, labelStartsOf, nameFromText } from '../../src/dns/name.ts';
import { Policy, VerdictKind } from '../../src/policy/policy.ts';
import type { PublishedPolicy } from '../../src/policy/published.ts';

/** The compile jobs in the test's own thread. */
export class LocalRunner implements CompileRunner {
  readonly #workshop = new CompileWorkshop(() => undefined);
  #queue: Promise<unknown> = Promise.resolve();
  readonly kinds: JobKind[] = [];

  async run<K extends JobKind>(job: JobOf<K>): Promise<JobOutcome<K>> {
    this.kinds.push(job.kind);
    const turn = this.#queue.then(() => this.#workshop.run<K>(job));
    this.#queue = turn.catch(() => undefined);
    try {
      return { kind: 'done', result: await turn };
    } catch (error) {
      return { kind: 'failed', message: String(error) };
    }
  }

  async drained(): Promise<void> {
    await this.#queue;
  }

  async close(): Promise<void> {
    await this.#queue;
  }
}

export type ListInput = Partial<ListConfig> & { readonly name: string; readonly source: string };

/** A whole configuration with these lists; everything else as the defaults have it. */
export function testConfig(folder: string, lists: readonly ListInput[], rest: Partial<Config> = {}): Config {
  const parsed = parseConfig('lists: []', folder);
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return {
    ...parsed.config,
    stateDirectory: join(folder, 'state'),
    lists: lists.map((list) => ({
      sourceKind: list.source.includes('://') ? 'https' : 'file',
      format: 'auto',
      category: 'fraud',
      authority: `authority of ${list.name}`,
      order: 'authority',
      mode: 'enforce',
      action: 'sinkhole',
      approved: [],
      refreshSeconds: 3600,
      bytesMax: 1024 * 1024,
      fetchTimeoutMs: 5000,
      badLinesPercentMax: 10,
      shrinkPercentMax: 100,
      growthPercentMax: 1_000_000,
      twoPersons: false,
      rollout: [],
      rolloutAppealsMax: 20,
      versionsMax: 10_000,
      appealDays: 15,
      feedKeys: [],
      tokenFile: '',
      ca: '',
      clientCertificate: '',
      clientKey: '',
      proxy: '',
      ...list,
    })),
    ...rest,
  };
}

export class SyncHarness {
  readonly folder: string;
  readonly policies: PublishedPolicy[] = [];
  readonly statuses: ListStatus[] = [];
  readonly logged: string[] = [];
  readonly runner = new LocalRunner();
  /** What was said to be held, newest last. */
  readonly holds: ListHoldsReport[] = [];
  /** What people have let through, by list. */
  readonly approvals = new Map<string, Omit<ListApprovals, 'list'>>();
  sketches: readonly SharedArrayBuffer[] = [];
  /** Replaced by tests that hold acknowledgements back. */
  acknowledge: () => Promise<void> = () => Promise.resolve();
  /** Set by tests that wait for a retry. */
  retryFirstMs: number | undefined;
  /** Set by tests of lists that are changed entry by entry. */
  ledger: Pick<Ledger, 'deltaSince'> | undefined;
  /** Set by tests of a control thread that replaces another. */
  isPolicyInForce = false;
  #sync: ListSync | undefined;
  readonly #waiting: { predicate: () => boolean; resolve: () => void }[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<SyncHarness> {
    return new SyncHarness(await mkdtemp(join(tmpdir(), 'weir-list-sync-')));
  }

  /** Writes a file in the folder and returns its path. */
  async file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content);
    return path;
  }

  async start(config: Config, runner?: CompileRunner | 'thread'): Promise<ListSync> {
    const sync = this.open(config, runner);
    await sync.start();
    return sync;
  }

  /** Not started yet. */
  open(config: Config, runner?: CompileRunner | 'thread'): ListSync {
    const log = (_fields: unknown, message: string): void => {
      this.logged.push(message);
      this.#settle();
    };
    this.#sync = createListSync({
      config,
      publish: async (policy) => {
        this.policies.push(policy);
        this.#settle();
        await this.acknowledge();
      },
      onStatus: (status) => {
        this.statuses.push(status);
        this.#settle();
      },
      counterSlotOf: () => 0,
      sketches: this.sketches,
      isPolicyInForce: this.isPolicyInForce,
      approvals: async (list) => ({ list, names: [], updateSha256s: [], ...this.approvals.get(list) }),
      onHolds: (report) => {
        this.holds.push(report);
        this.#settle();
      },
      log: { info: log, warn: log, error: log },
      ...(this.ledger !== undefined && { ledger: this.ledger }),
      ...(this.retryFirstMs !== undefined && { retryFirstMs: this.retryFirstMs }),
      ...(runner !== 'thread' && { compile: runner ?? this.runner }),
    });
    return this.#sync;
  }

  /** The one that runs. */
  current(): ListSync {
    if (this.#sync === undefined) throw new Error('no list-sync runs');
    return this.#sync;
  }

  /** Resolves when the predicate holds; asked whenever something was published, reported or logged. */
  async until(predicate: () => boolean): Promise<void> {
    if (predicate()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ predicate, resolve }));
  }

  /** The newest status of a list. */
  status(list: string): ListStatus | undefined {
    return this.statuses.findLast(({ name }) => name === list);
  }

  /** What the newest policy says of a name. */
  verdict(name: string, nowSeconds = 1_700_000_000): string {
    const published = this.policies.at(-1);
    if (published === undefined) return 'no policy';
    return judged(published, name, nowSeconds);
  }

  async close(): Promise<void> {
    await this.#sync?.close();
    this.#sync = undefined;
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #settle(): void {
    for (const waiting of this.#waiting.filter(({ predicate }) => predicate())) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }
}

/** Whether what the name's answers lead to cannot block it. */
export function isProtected(published: PublishedPolicy, name: string): boolean {
  const wire = nameFromText(name) ?? new Uint8Array(1);
  const starts = new Uint8Array(LABELS_MAX);
  return new Policy(published).isProtected(wire, 0, starts, labelStartsOf(wire, 0, starts), 1_700_000_000);
}

/** "allowed", or e.g. "blocked by fraud". */
export function judged(published: PublishedPolicy, name: string, nowSeconds = 1_700_000_000): string {
  const policy = new Policy(published);
  const wire = nameFromText(name) ?? new Uint8Array(1);
  const starts = new Uint8Array(LABELS_MAX);
  const kind = policy.judge(wire, 0, starts, labelStartsOf(wire, 0, starts), nowSeconds);
  const word = Object.entries(VerdictKind).find(([, value]) => value === kind)?.[0] ?? '?';
  return kind === VerdictKind.allowed ? word : `${word} by ${policy.match.list.name}`;
}
