/**
 * A person's word on an appeal, inside a transaction: that it is looked at, or what was decided. What is upheld leaves a
 * push list or a feed in the same transaction, as a version of its own, so that no decision is on record without its effect; every
 * other open appeal against the same entry is upheld with it. Who has proposed a block does not decide on appeals against
 * it where the list wants two persons.
 */
import { appealById, appealIdText, openAgainst, shownAppeal, type StoredAppeal } from './appeal-rows.ts';
import { isOpen, type AppealDecided, type AppealDecision, type AppealRow } from './appeal.ts';
import { changeSteps, newRejections } from './change-transaction.ts';
import { writeDecision } from './decision-columns.ts';
import { nameState, SCOPE_SUBTREE } from './entry-rows.ts';
import { actorText, mayAct, refuse, samePerson, type LedgerContext, type ListContext } from './ledger-context.ts';
import { listHead } from './list-heads.ts';
import type { Actor, ChangeDone, LedgerRefusal } from './ledger.ts';
import type { NameWork } from './name-work.ts';

export interface AppealVerdict {
  readonly id: string;
  readonly decision: AppealDecision;
  readonly reason: string;
  readonly actor: Actor;
}

/** The appeal that the actor may work on. */
function openAppeal(context: LedgerContext, id: string, actor: Actor): StoredAppeal | LedgerRefusal {
  const appeal = appealById(context.write, id);
  if (appeal === undefined) return refuse('appealUnknown', `There is no appeal ${id}.`);
  const forbidden = mayAct(actor, ['approve'], appeal.list);
  if (forbidden !== undefined) return forbidden;
  return isOpen(appeal) ? appeal : refuse('appealDecided', `The appeal ${id} is ${appeal.state} already.`);
}

export function reviewAppeal(
  context: LedgerContext,
  id: string,
  actor: Actor,
): { kind: 'reviewed'; appeal: AppealRow } | LedgerRefusal {
  const { write, audit, nowSeconds } = context;
  const appeal = openAppeal(context, id, actor);
  if ('kind' in appeal) return appeal;
  if (appeal.state === 'received') {
    write.run("UPDATE appeals SET state = 'inReview' WHERE id = ?", appeal.id);
    const data = { appeal: id, state: 'inReview' };
    audit.append({ actor: actorText(actor), kind: 'appeal', list: appeal.list, data }, nowSeconds());
  }
  return { kind: 'reviewed', appeal: shownAppeal(appealById(write, id)!) };
}

export function* decideAppealSteps(
  context: LedgerContext,
  verdict: AppealVerdict,
): Generator<void, AppealDecided | LedgerRefusal> {
  const { id, decision, reason, actor } = verdict;
  const appeal = openAppeal(context, id, actor);
  if ('kind' in appeal) return appeal;
  const list = context.lists.get(appeal.list);
  const refusal = list?.settings.twoPersons === true ? proposerRefusal(context, appeal, actor) : undefined;
  if (refusal !== undefined) return refusal;
  const atSeconds = context.nowSeconds();
  let change: ChangeDone | undefined;
  // Why not of a list that is pulled: it is not here.
  if (decision === 'uphold' && list !== undefined && list.settings.source !== 'pulled') {
    const done = yield* withdrawalSteps(context, list, appeal, verdict, atSeconds);
    if (done.kind === 'refused') return done;
    if (done.removed > 0 || (done.withdrawnHolds ?? 0) > 0) change = done;
  }
  const state = decision === 'uphold' ? 'upheld' : 'rejected';
  const decided = decision === 'uphold' ? [appeal, ...liftedWith(context, list, appeal, atSeconds)] : [appeal];
  for (const one of decided) {
    writeDecision(context.write, 'appeals', one.id, { state, by: actor.name, reason, atSeconds });
    // Why without the reason: it may say who has appealed, and the chain cannot forget.
    const data = { appeal: appealIdText(one.id), state, ...(change === undefined ? {} : { version: change.version }) };
    context.audit.append({ actor: actorText(actor), kind: 'appeal', list: appeal.list, data }, atSeconds);
  }
  return {
    kind: 'decided',
    appeal: shownAppeal(appealById(context.write, id)!),
    alsoDecided: decided.slice(1).map((one) => appealIdText(one.id)),
    change,
  };
}

/** Other open appeals against the same entry, of names that it does not block any more. */
function liftedWith(
  { write }: LedgerContext,
  list: ListContext | undefined,
  appeal: StoredAppeal,
  nowSeconds: number,
): readonly StoredAppeal[] {
  const others = openAgainst(write, appeal.list, appeal.entry).filter(({ id }) => id !== appeal.id);
  // Why all: of a list that is pulled the entry is held, of whatever scope.
  if (list === undefined || list.settings.source === 'pulled') return others;
  const head = listHead(write, appeal.list);
  const left = head === undefined ? [] : nameState(write, head.id, appeal.entry, nowSeconds).entries;
  const blocks = ({ name, entry }: StoredAppeal): boolean =>
    left.some(({ scope }) => scope === 'subtree' || !isBelow(name, entry));
  return others.filter((other) => !blocks(other));
}

function isBelow(name: string, entry: string): boolean {
  return name.endsWith(`.${entry}`);
}

/** Whose entry it is now: who pushed it, or proposed what somebody else has released. */
function proposerRefusal(context: LedgerContext, appeal: StoredAppeal, actor: Actor): LedgerRefusal | undefined {
  const head = listHead(context.write, appeal.list);
  if (head === undefined) return undefined;
  const { entries } = nameState(context.write, head.id, appeal.entry, context.nowSeconds());
  const proposer = entries.find(({ maintainer }) => samePerson(maintainer, actor.name));
  if (proposer === undefined) return undefined;
  return refuse('samePerson', `${proposer.maintainer} has proposed the block; somebody else decides on the appeal.`);
}

function withdrawalSteps(
  context: LedgerContext,
  { settings }: ListContext,
  { list, name, entry }: StoredAppeal,
  { id, actor }: AppealVerdict,
  atSeconds: number,
): Generator<void, ChangeDone | LedgerRefusal> {
  // Why: an entry that is exact does not block what is below it. It does block a name elsewhere that leads to it.
  const remove: NameWork['remove'] = isBelow(name, entry) ? [SCOPE_SUBTREE === 0, false] : [true, true];
  const work: NameWork = { name: entry, add: [undefined, undefined], remove };
  const reason = `the appeal ${id} was upheld`;
  return changeSteps(context, {
    list,
    plan: {
      settings,
      facts: { origin: 'appeal', actorId: actor.id, maintainer: actor.name, reason, atSeconds },
      stage: { work: () => [work].values(), has: () => false },
      proposeOnly: false,
      isMeasured: false,
      replacesAll: false,
      isRolledOut: false,
      isForced: false,
    },
    rejections: newRejections(),
    duplicates: () => 0,
    idempotency: undefined,
    audit: { actor: actorText(actor), kind: 'change', data: { reason, appeal: id } },
  });
}
