/** What may be asked of the ledger about appeals (appeal.ts), over its write queue. Part of ledger-store.ts. */
import { appealById, appealBySecret, appealFigures, appealsPage, shownAppeal } from './appeal-rows.ts';
import {
  isOpen,
  type AppealDecided,
  type AppealDecision,
  type AppealFigures,
  type AppealFiled,
  type AppealFilter,
  type AppealRefusal,
  type AppealRow,
  type OwnerProof,
} from './appeal.ts';
import { decideAppealSteps, reviewAppeal } from './decide-appeal.ts';
import { fileAppeal } from './file-appeal.ts';
import type { LedgerContext } from './ledger-context.ts';
import { storeRefusal } from './ledger-failure.ts';
import type { Actor, LedgerRefusal } from './ledger.ts';
import type { WriteQueue } from './write-queue.ts';

export class AppealStore {
  readonly #context: () => LedgerContext;
  readonly #queue: WriteQueue;

  constructor(context: () => LedgerContext, queue: WriteQueue) {
    this.#context = context;
    this.#queue = queue;
  }

  async file(sent: Parameters<typeof fileAppeal>[2]): Promise<AppealFiled | AppealRefusal> {
    const context = this.#context();
    return orStoreRefusal(this.#queue.small(() => fileAppeal(context, context.settings.appeals, sent)));
  }

  bySecret(secret: string): AppealRow | undefined {
    return shown(appealBySecret(this.#context().read, secret));
  }

  byId(id: string): AppealRow | undefined {
    return shown(appealById(this.#context().read, id));
  }

  page(filter: AppealFilter): readonly AppealRow[] {
    return appealsPage(this.#context().read, filter);
  }

  async review(id: string, actor: Actor): Promise<{ kind: 'reviewed'; appeal: AppealRow } | LedgerRefusal> {
    return orStoreRefusal(this.#queue.small(() => reviewAppeal(this.#context(), id, actor)));
  }

  async decide(
    id: string,
    decision: AppealDecision,
    reason: string,
    actor: Actor,
  ): Promise<AppealDecided | LedgerRefusal> {
    const steps = () => decideAppealSteps(this.#context(), { id, decision, reason, actor });
    return orStoreRefusal(this.#queue.long(steps, ({ kind }) => kind !== 'refused', true));
  }

  /** Errors: rejects with what the store says. */
  async prove(id: string, by: OwnerProof): Promise<AppealRow | undefined> {
    const { write, audit, nowSeconds } = this.#context();
    return this.#queue.small(() => {
      const appeal = appealById(write, id);
      if (appeal === undefined || !isOpen(appeal)) return undefined;
      write.run('UPDATE appeals SET proof = ? WHERE id = ?', by, appeal.id);
      const data = { appeal: id, ownerProof: by };
      audit.append({ actor: 'system', kind: 'appeal', list: appeal.list, data }, nowSeconds());
      return shown(appealById(write, id));
    });
  }

  figures(): AppealFigures {
    const { read, nowSeconds } = this.#context();
    return appealFigures(read, nowSeconds());
  }
}

function shown(row: Parameters<typeof shownAppeal>[0] | undefined): AppealRow | undefined {
  return row === undefined ? undefined : shownAppeal(row);
}

async function orStoreRefusal<T>(
  result: Promise<T>,
): Promise<T | { kind: 'refused'; code: 'storeFull' | 'storeUnavailable'; message: string }> {
  try {
    return await result;
  } catch (error) {
    const refusal = storeRefusal(error);
    if (refusal === undefined) throw error;
    const code = refusal.code === 'storeFull' ? 'storeFull' : 'storeUnavailable';
    return { kind: 'refused', code, message: refusal.message };
  }
}
