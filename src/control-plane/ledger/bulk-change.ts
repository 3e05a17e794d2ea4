/**
 * A change on its way into the ledger: checked entry by entry as it comes, staged in memory or in a file of its own, put
 * into one order at the end. Nothing of it counts before; whatever goes wrong meanwhile is said at the commit.
 */
import { checkEntry, checkRemoval } from './check-entry.ts';
import { addRejection, newRejections, type ChangeOrder } from './change-transaction.ts';
import { FEED_ACTOR } from './hold-rows.ts';
import { RequestHash } from './idempotent-answers.ts';
import { actorText, refuse, type LedgerContext, type ListContext } from './ledger-context.ts';
import { storeRefusal } from './ledger-failure.ts';
import type { ChangeRequest, FeedUpdate, LedgerRefusal, ProposedEntry, ProposedRemoval } from './ledger.ts';
import { liftedEntries, liftedHit } from './lifted-entries.ts';
import type { ListHead } from './list-heads.ts';
import { BULK_ENTRIES_MIN } from './measure-change.ts';
import type { StagedChange } from './staged-change.ts';

export type ChangeHead = Omit<ChangeRequest, 'add' | 'remove'>;
export type ChangeSource =
  { readonly kind: 'push'; readonly request: ChangeHead } | { readonly kind: 'feed'; readonly update: FeedUpdate };

export class BulkChange {
  readonly list: string;
  readonly #context: LedgerContext;
  readonly #target: ListContext;
  readonly #source: ChangeSource;
  readonly #stage: StagedChange;
  readonly #rejections = newRejections();
  readonly #hash: RequestHash;
  #entries = 0;
  #staged = 0;
  #failure: LedgerRefusal | undefined;
  #lifted: ReadonlySet<string> | undefined;

  constructor(context: LedgerContext, target: ListContext, source: ChangeSource, stage: StagedChange) {
    this.#context = context;
    this.#target = target;
    this.#source = source;
    this.#stage = stage;
    this.list = source.kind === 'push' ? source.request.list : source.update.list;
    this.#hash = new RequestHash(this.list, source.kind === 'push' ? source.request.reason : '');
  }

  get entries(): number {
    return this.#entries;
  }

  /** What has gone wrong; it is said at the commit. */
  get failure(): LedgerRefusal | undefined {
    return this.#failure;
  }

  add(add: readonly ProposedEntry[], remove: readonly ProposedRemoval[]): void {
    if (this.#failure !== undefined) return;
    const { entriesMax } = this.#context.settings;
    this.#entries += add.length + remove.length;
    if (this.#entries > entriesMax) {
      this.#failure = refuse('tooManyEntries', `At most ${entriesMax} entries in one change (push.entriesMax).`);
      return;
    }
    try {
      this.#hash.add(add, remove);
      const all = (): void => this.#stageAll(add, remove);
      if ('batch' in this.#stage && typeof this.#stage.batch === 'function') this.#stage.batch(all);
      else all();
    } catch (error) {
      this.#failure = storeRefusal(error);
      if (this.#failure === undefined) throw error;
    }
  }

  #stageAll(add: readonly ProposedEntry[], remove: readonly ProposedRemoval[]): void {
    const { guard, settings, nowSeconds } = this.#context;
    const now = nowSeconds();
    const lifted = (this.#lifted ??= liftedEntries(this.#context.read, this.list));
    for (const removal of remove) {
      const checked = checkRemoval(removal);
      if (checked.kind === 'rejected') addRejection(this.#rejections, checked.rejected);
      else this.#stage.remove(checked.name, checked.scope);
    }
    for (const entry of add) {
      const checked = checkEntry(entry, now, (name) => guard.isSharedHost(name));
      if (checked.kind === 'rejected') {
        addRejection(this.#rejections, checked.rejected);
        continue;
      }
      const hit = liftedHit(lifted, checked.fields) ?? guard.look(checked.fields, this.#target.approved, settings, now);
      this.#stage.add({ fields: checked.fields, hit });
      this.#staged += 1;
    }
  }

  order(): ChangeOrder {
    const { nowSeconds } = this.#context;
    const common = {
      list: this.list,
      rejections: this.#rejections,
      duplicates: () => this.#staged - this.#stage.addCount(),
    };
    const plan = {
      settings: this.#target.settings,
      stage: this.#stage,
      isMeasured: this.#entries >= BULK_ENTRIES_MIN,
    };
    const atSeconds = nowSeconds();
    if (this.#source.kind === 'feed') return feedOrder(this.#context, this.#source.update, plan, common, atSeconds);
    const { actor, reason, idempotencyKey } = this.#source.request;
    return {
      ...common,
      plan: {
        ...plan,
        facts: { origin: this.#origin(), actorId: actor.id, maintainer: actor.name, reason, atSeconds },
        proposeOnly: !actor.rights.includes('push'),
        replacesAll: false,
        isRolledOut: true,
        isForced: false,
      },
      idempotency: idempotencyKey === undefined ? undefined : { key: idempotencyKey, hash: this.#hash },
      audit: { actor: actorText(actor), kind: 'change', data: { reason } },
    };
  }

  #origin(): string {
    return this.#stage.addCount() === 0 ? 'withdrawal' : 'push';
  }

  discard(): void {
    this.#stage.discard();
  }
}

function feedOrder(
  { write }: LedgerContext,
  update: FeedUpdate,
  plan: Pick<ChangeOrder['plan'], 'settings' | 'stage' | 'isMeasured'>,
  common: Pick<ChangeOrder, 'list' | 'rejections' | 'duplicates'>,
  atSeconds: number,
): ChangeOrder {
  const { version, manifestSha256, keyId, fromVersion } = update;
  const reason = `version ${version} of the feed`;
  return {
    ...common,
    plan: {
      ...plan,
      isMeasured: plan.isMeasured || fromVersion === undefined,
      // Why at least the publisher's number: where nobody has decided about a hold here, both are the same.
      facts: { origin: 'feed', actorId: FEED_ACTOR, maintainer: FEED_ACTOR, reason, atSeconds, versionMin: version },
      proposeOnly: false,
      replacesAll: fromVersion === undefined,
      isRolledOut: false,
      isForced: true,
    },
    idempotency: undefined,
    audit: { actor: FEED_ACTOR, kind: 'feed', data: { feedVersion: version, manifestSha256, keyId } },
    check: (head) => feedRefusal(head, update),
    alongside: ({ id }) => {
      const sql = 'UPDATE lists SET feed_version = ?, feed_manifest = ?, feed_key = ? WHERE id = ?';
      write.run(sql, version, manifestSha256, keyId, id);
    },
  };
}

/** A feed never goes back, and a delta only leads on from the version that the list has. */
export function feedRefusal({ feedVersion }: ListHead, update: FeedUpdate): LedgerRefusal | undefined {
  const { version, fromVersion } = update;
  if (fromVersion !== undefined && fromVersion !== feedVersion) {
    return refuse('versionUnknown', `The delta leads on from version ${fromVersion}; the list has ${feedVersion}.`);
  }
  if (version < feedVersion || (fromVersion !== undefined && version === feedVersion)) {
    return refuse('versionUnknown', `The list has version ${feedVersion} of the feed already.`);
  }
  return undefined;
}
