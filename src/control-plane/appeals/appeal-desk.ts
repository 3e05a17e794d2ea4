/**
 * The control thread's end of the appeals desk: answers what the warning page asks (appeal-messages.ts) from the ledger,
 * looks at owners' proofs, tells the webhook. The page checked the block; the ledger checks what was written. Every
 * question gets a reply: what fails here is "unavailable" there.
 */
import { monotonicMs } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/log.ts';
import { RateLimiter } from '../admin/rate-limiter.ts';
import type { AppealQuestion, AppealReply, AppealView } from '../appeal-messages.ts';
import { isOpen, type AppealDecided, type AppealRow, type NewAppeal } from '../ledger/appeal.ts';
import { storeRefusal } from '../ledger/ledger-failure.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AppealWebhook } from './appeal-webhook.ts';
import { isProved } from './owner-proof.ts';

/** Proofs looked at, at a time: each asks servers elsewhere. */
export const PROOFS_MAX = 8;
/** Looks at the proof of one appeal. */
const PROOF_RATE = { burst: 3, perSecond: 1 / 30, keysMax: 10_000 } as const;

export type DeskConfig = Pick<Config, 'appeals' | 'upstreams' | 'upstreamQueries' | 'sinkhole'>;

export interface AppealDeskOptions {
  readonly ledger: Pick<Ledger, 'fileAppeal' | 'appealBySecret' | 'proveOwner'>;
  readonly config: () => DeskConfig;
  /** Counts have changed. */
  readonly onLedgerChanged: () => void;
  readonly webhook: Pick<AppealWebhook, 'tell'>;
  readonly log: Log;
  readonly prove?: typeof isProved;
}

const UNAVAILABLE: AppealReply = { kind: 'unavailable' };

export class AppealsDesk {
  readonly #options: AppealDeskOptions;
  readonly #rate = new RateLimiter(PROOF_RATE);
  #proofs = 0;

  constructor(options: AppealDeskOptions) {
    this.#options = options;
  }

  /** Errors: none. */
  async answer(question: AppealQuestion): Promise<AppealReply> {
    try {
      if (question.kind === 'file') return await this.#file(question.appeal);
      if (question.kind === 'prove') return await this.#prove(question.secret, question.by);
      return statusReply(await this.#options.ledger.appealBySecret(question.secret));
    } catch (error) {
      // Why without the error's own words where it is a bug: they may hold what somebody wrote.
      if (storeRefusal(error) === undefined) this.#options.log.error({}, 'the appeals desk failed');
      return UNAVAILABLE;
    }
  }

  /** Somebody has decided: the people of the list are told, whoever of them it was. */
  decided({ appeal, alsoDecided, change }: AppealDecided): void {
    const { config, webhook } = this.#options;
    const { id, list, name, incident, who, state } = appeal;
    const version = change?.version ?? null;
    const event = { event: 'appeal.decided', id, list, name, incident, who, state, alsoDecided, version } as const;
    webhook.tell(config().appeals.webhookUrl, event);
  }

  async #file(sent: NewAppeal): Promise<AppealReply> {
    const { ledger, config, onLedgerChanged, webhook, log } = this.#options;
    const filed = await ledger.fileAppeal(sent);
    if (filed.kind === 'refused') return { kind: 'refused', code: filed.code };
    const { appeal, isReplay } = filed;
    if (!isReplay) {
      const { id, list, name, incident, who } = appeal;
      log.info({ appeal: id, list }, 'an appeal has come');
      onLedgerChanged();
      const dueAt = new Date(appeal.dueAtSeconds * 1000).toISOString();
      webhook.tell(config().appeals.webhookUrl, { event: 'appeal.received', id, list, name, incident, who, dueAt });
    }
    return { kind: 'filed', appeal: viewOf(appeal) };
  }

  async #prove(secret: string, by: 'dns' | 'http'): Promise<AppealReply> {
    const { ledger, config, prove = isProved } = this.#options;
    const appeal = await ledger.appealBySecret(secret);
    if (appeal === undefined || !isOpen(appeal) || appeal.who !== 'owner' || appeal.ownerProof !== 'none') {
      return statusReply(appeal);
    }
    if (this.#proofs >= PROOFS_MAX || !this.#rate.take(appeal.id, monotonicMs())) return UNAVAILABLE;
    const { upstreams, upstreamQueries, sinkhole } = config();
    this.#proofs += 1;
    try {
      const options = { upstreams: { upstreams, ca: upstreamQueries.ca }, sinkhole: sinkhole.addresses };
      if (!(await prove(appeal.name, appeal.proofToken, by, options))) {
        return { kind: 'notProved', appeal: viewOf(appeal) };
      }
      return statusReply(await ledger.proveOwner(appeal.id, by));
    } finally {
      this.#proofs -= 1;
    }
  }
}

function statusReply(appeal: AppealRow | undefined): AppealReply {
  return appeal === undefined ? { kind: 'unknown' } : { kind: 'status', appeal: viewOf(appeal) };
}

/** What the applicant may see of it. */
function viewOf(row: AppealRow): AppealView {
  const { id, name, who, state, createdAtSeconds, dueAtSeconds, decisionReason, ownerProof, proofToken } = row;
  return { id, name, who, state, createdAtSeconds, dueAtSeconds, decisionReason, ownerProof, proofToken };
}
