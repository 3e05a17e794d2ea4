/**
 * One change as a transaction: the answer to the same request before, the writing, the answer kept for the next time, the
 * record in the audit chain. A push, a bulk change, a feed's update, a rollback and a released hold are all this.
 */
import { ChangeWriter, type ChangePlan, type ChangeWritten } from './change-writer.ts';
import { answerTo, keepAnswer, type Replay, type RequestHash, type StoredAnswer } from './idempotent-answers.ts';
import type { LedgerContext } from './ledger-context.ts';
import { REPORTED_ENTRIES_MAX, type ChangeDone, type LedgerRefusal, type RejectedEntry } from './ledger.ts';
import { deltaOf, deltaSince } from './list-deltas.ts';
import { digestText, ensureListHead, listHead, type ListHead } from './list-heads.ts';

export interface Rejections {
  readonly rejected: RejectedEntry[];
  total: number;
}

export interface ChangeOrder {
  readonly list: string;
  readonly plan: Omit<ChangePlan, 'head'>;
  /** What was refused before anything was staged, and while it is read. */
  readonly rejections: Rejections;
  /** Entries of the request that another of the same request has replaced. */
  readonly duplicates: () => number;
  readonly idempotency: { readonly key: string; readonly hash: RequestHash } | undefined;
  /** Of the record in the audit chain. */
  readonly audit: {
    readonly actor: string;
    readonly kind: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
  /** Looks at the list in the transaction, before anything is written. */
  readonly check?: (head: ListHead) => LedgerRefusal | undefined;
  /** What else belongs to it. */
  readonly alongside?: (head: ListHead) => void;
}

/** Names that a record in the audit chain gives; all are in the entries' history. */
const AUDITED_NAMES_MAX = 20;

export function newRejections(): Rejections {
  return { rejected: [], total: 0 };
}

export function addRejection(rejections: Rejections, rejected: RejectedEntry): void {
  rejections.total += 1;
  if (rejections.rejected.length < REPORTED_ENTRIES_MAX) rejections.rejected.push(rejected);
}

export function* changeSteps(context: LedgerContext, order: ChangeOrder): Generator<void, ChangeDone | LedgerRefusal> {
  const { write, nowSeconds } = context;
  const { facts, stage } = order.plan;
  const head = ensureListHead(write, order.list);
  const { idempotency } = order;
  const before = idempotency && answerTo(write, facts.actorId, idempotency.key, { whole: idempotency.hash.whole() });
  if (before?.kind === 'replay') return replayed(context, head, before);
  const refusal = before ?? order.check?.(head);
  if (refusal !== undefined) return refusal;
  const written = yield* new ChangeWriter(write, context.read, { ...order.plan, head, stage }).write();
  if (written.kind === 'refused') return written;
  const answer = answerOf(written, order);
  if (idempotency !== undefined) {
    keepAnswer(write, {
      token: facts.actorId,
      key: idempotency.key,
      hash: idempotency.hash,
      list: head.id,
      fromVersion: head.version,
      answer,
      atSeconds: facts.atSeconds,
    });
  }
  order.alongside?.(head);
  const after = listHead(write, order.list)!;
  record(context, order, after, written, answer);
  const delta = deltaOf(write, after, head.version, written.names, nowSeconds());
  return { ...answer, isReplay: false, delta };
}

function answerOf(written: ChangeWritten, { rejections, duplicates }: ChangeOrder): StoredAnswer {
  const { version, accepted, removed, unchanged, held, heldTotal, withdrawnHolds, rollout } = written;
  return {
    kind: 'done',
    version,
    accepted,
    removed,
    unchanged: unchanged + duplicates(),
    rejected: [...rejections.rejected, ...written.rejected].slice(0, REPORTED_ENTRIES_MAX),
    rejectedTotal: rejections.total + written.rejectedTotal,
    held,
    heldTotal,
    withdrawnHolds,
    rollout,
  };
}

/** The same answer, with what the list says now of what has changed since: applied again, it does no harm. */
export function replayed(context: LedgerContext, head: ListHead, { answer, fromVersion }: Replay): ChangeDone {
  const { write, nowSeconds } = context;
  const delta =
    deltaSince(write, head, fromVersion, nowSeconds()) ?? deltaOf(write, head, fromVersion, undefined, nowSeconds());
  return { ...answer, isReplay: true, delta };
}

function record(
  context: LedgerContext,
  order: ChangeOrder,
  head: ListHead,
  written: ChangeWritten,
  answer: StoredAnswer,
): void {
  const isNothing = written.accepted + written.removed + written.heldTotal + written.withdrawnHolds === 0;
  if (isNothing && !order.plan.isForced) return;
  const { accepted, removed, heldTotal: held, rejectedTotal: rejected, version } = answer;
  context.audit.append(
    {
      actor: order.audit.actor,
      kind: order.audit.kind,
      list: order.list,
      data: {
        ...order.audit.data,
        version,
        digest: digestText(head.digest),
        accepted,
        removed,
        held,
        rejected,
        names: written.names?.slice(0, AUDITED_NAMES_MAX) ?? [],
        holds: answer.held.slice(0, AUDITED_NAMES_MAX).map(({ holdId, name, code }) => `${holdId} ${name} ${code}`),
      },
    },
    order.plan.facts.atSeconds,
  );
}
