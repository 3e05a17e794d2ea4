/** A person's decision about a hold, inside a transaction: what is released enters force as a version of its own. */
import { changeSteps, newRejections } from './change-transaction.ts';
import { HeldWork } from './held-work.ts';
import { closeHoldInSteps, holdById, shownHold, type Closing, type StoredHold } from './hold-rows.ts';
import { actorText, mayAct, refuse, samePerson, type LedgerContext, type ListContext } from './ledger-context.ts';
import type { Actor, ChangeDone, HoldRow, LedgerRefusal } from './ledger.ts';

export interface Decision {
  readonly id: string;
  readonly decision: 'release' | 'reject';
  readonly reason: string;
  readonly actor: Actor;
}

export type Decided = { readonly kind: 'decided'; readonly hold: HoldRow; readonly change: ChangeDone | undefined };

export function* decideSteps(context: LedgerContext, decision: Decision): Generator<void, Decided | LedgerRefusal> {
  const { id, actor, reason } = decision;
  const hold = holdById(context.write, id);
  if (hold === undefined) return refuse('holdUnknown', `There is no hold ${id}.`);
  const list = context.lists.get(hold.list_name);
  const refusal = refusalOf(context, hold, list, decision);
  if (refusal !== undefined) return refusal;
  const atSeconds = context.nowSeconds();
  const state = decision.decision === 'release' ? 'released' : 'rejected';
  const closing: Closing = { state, by: actor.name, reason, atSeconds };
  yield* closeHoldInSteps(context.write, hold.id, closing);
  const { name, guard, list_name: listName } = hold;
  const data = { hold: id, name, guard, proposer: hold.proposer, reason };
  let change: ChangeDone | undefined;
  if (state === 'released' && list !== undefined && list.settings.source !== 'pulled') {
    const done = yield* releaseSteps(context, list, hold, decision, atSeconds);
    if (done.kind === 'refused') return done;
    change = done;
  }
  context.audit.append({ actor: actorText(actor), kind: decision.decision, list: listName, data }, atSeconds);
  return { kind: 'decided', hold: shownHold(holdById(context.write, id)!), change };
}

function refusalOf(
  { nowSeconds }: LedgerContext,
  hold: StoredHold,
  list: ListContext | undefined,
  { id, decision, actor }: Decision,
): LedgerRefusal | undefined {
  const forbidden = mayAct(actor, ['approve'], hold.list_name);
  if (forbidden !== undefined) return forbidden;
  if (list === undefined) return refuse('listUnknown', `The list ${hold.list_name} is not configured any more.`);
  if (hold.state !== 'open') return refuse('holdDecided', `The hold ${id} is ${hold.state} already.`);
  if (hold.expires !== 0 && hold.expires <= nowSeconds()) {
    return refuse('holdDecided', `The entry of the hold ${id} has expired.`);
  }
  if (decision === 'release' && list.settings.twoPersons && isProposer(actor, hold)) {
    return refuse('samePerson', `${hold.proposer} has proposed it; somebody else has to release it.`);
  }
  return undefined;
}

/** Why also the name: a person with two tokens is one person. */
function isProposer(actor: Actor, { proposer, proposer_id: proposerId }: StoredHold): boolean {
  return actor.id === proposerId || samePerson(actor.name, proposer);
}

function releaseSteps(
  context: LedgerContext,
  { settings }: ListContext,
  hold: StoredHold,
  { reason, actor, id }: Decision,
  atSeconds: number,
): Generator<void, ChangeDone | LedgerRefusal> {
  return changeSteps(context, {
    list: hold.list_name,
    plan: {
      settings,
      facts: {
        origin: 'approval',
        actorId: actor.id,
        maintainer: actor.name,
        owner: hold.proposer,
        reason: `${reason} (releases ${id}: ${hold.reason})`,
        atSeconds,
      },
      stage: new HeldWork(context.read, hold.id, atSeconds),
      proposeOnly: false,
      isMeasured: false,
      replacesAll: false,
      isRolledOut: settings.source === 'push',
      isForced: false,
    },
    rejections: newRejections(),
    duplicates: () => 0,
    idempotency: undefined,
    audit: { actor: actorText(actor), kind: 'change', data: { reason, hold: id } },
  });
}
