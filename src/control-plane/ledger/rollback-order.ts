/** A rollback as a change like any other: what the list said in an earlier version, looked at by the guard of today. */
import { addRejection, newRejections, type ChangeOrder } from './change-transaction.ts';
import { actorText, refuse, type LedgerContext, type ListContext } from './ledger-context.ts';
import type { Actor, LedgerRefusal } from './ledger.ts';
import { ensureListHead, type ListHead } from './list-heads.ts';
import { liftedEntries, liftedHit } from './lifted-entries.ts';
import { RollbackWork } from './rollback-work.ts';

export interface Rollback {
  readonly toVersion: number;
  readonly reason: string;
  readonly actor: Actor;
}

export function rollbackOrder(
  context: LedgerContext,
  target: ListContext,
  { toVersion, reason, actor }: Rollback,
): ChangeOrder {
  const { guard, settings, nowSeconds, read, write } = context;
  const list = target.settings.name;
  const at = nowSeconds();
  const rejections = newRejections();
  const lifted = liftedEntries(read, list);
  const stage = new RollbackWork({
    snapshot: read,
    list: ensureListHead(write, list).id,
    toVersion,
    nowSeconds: at,
    look: (fields) => liftedHit(lifted, fields) ?? guard.look(fields, target.approved, settings, at),
    onRejected: (rejected) => addRejection(rejections, rejected),
  });
  return {
    list,
    plan: {
      settings: target.settings,
      facts: { origin: 'rollback', actorId: actor.id, maintainer: actor.name, reason, atSeconds: at },
      stage,
      proposeOnly: false,
      // Why not: it takes back what was too much, and must not wait for that.
      isMeasured: false,
      replacesAll: false,
      isRolledOut: false,
      isForced: false,
    },
    rejections,
    duplicates: () => 0,
    idempotency: undefined,
    audit: { actor: actorText(actor), kind: 'rollback', data: { toVersion, reason } },
    check: (head) => versionRefusal(head, toVersion),
  };
}

function versionRefusal({ version, oldest }: ListHead, toVersion: number): LedgerRefusal | undefined {
  if (toVersion >= oldest && toVersion < version) return undefined;
  const text = `The list has versions ${oldest} to ${version}; a rollback leads to an earlier one of them.`;
  return refuse('versionUnknown', text);
}
