/** The next step of a rollout, inside a transaction: to more subscribers, to all of them, or to none. */
import type { EntryRow } from './entry-rows.ts';
import { actorText, mayAct, refuse, type LedgerContext } from './ledger-context.ts';
import { DELTA_NAMES_MAX, type Actor, type ChangeDone, type LedgerRefusal, type RolloutRow } from './ledger.ts';
import { deltaOf } from './list-deltas.ts';
import { listHead, type ListHead } from './list-heads.ts';
import { PAUSE_NAMES } from './measure-change.ts';
import { endRollout, enterStage, nextStage, rolloutById, shownRollout, type StoredRollout } from './rollout-rows.ts';
import { VersionWriter } from './version-writer.ts';

export interface Move {
  readonly id: string;
  readonly to: 'promote' | 'abort';
  readonly reason: string;
  readonly actor: Actor;
}

export type Moved = { readonly kind: 'moved'; readonly rollout: RolloutRow; readonly change: ChangeDone | undefined };

export function* moveSteps(context: LedgerContext, move: Move): Generator<void, Moved | LedgerRefusal> {
  const { write, audit } = context;
  const row = rolloutById(write, move.id);
  if (row === undefined) return refuse('rolloutUnknown', `There is no rollout ${move.id}.`);
  // Why also who pushes: to take back what one has begun needs nobody's leave.
  const forbidden = mayAct(move.actor, move.to === 'abort' ? ['approve', 'push'] : ['approve'], row.list_name);
  if (forbidden !== undefined) return forbidden;
  if (row.state !== 'running') return refuse('rolloutEnded', `The rollout ${move.id} is ${row.state} already.`);
  const atSeconds = context.nowSeconds();
  const head = listHead(write, row.list_name)!;
  const stage = move.to === 'promote' ? nextStage(row) : undefined;
  let change: ChangeDone | undefined;
  if (stage !== undefined) enterStage(write, row, stage, atSeconds);
  else if (move.to === 'promote') change = complete(context, head, row, move, atSeconds);
  else change = yield* abort(context, head, row, move, atSeconds);
  const rollout = shownRollout(rolloutById(write, move.id)!);
  const { percent, state } = rollout;
  const data = { rollout: move.id, to: move.to, percent, state, reason: move.reason };
  audit.append({ actor: actorText(move.actor), kind: 'rollout', list: row.list_name, data }, atSeconds);
  return { kind: 'moved', rollout, change };
}

/** No row is written: an entry whose rollout has ended has no slot any more. The version says that it is so. */
function complete(
  context: LedgerContext,
  head: ListHead,
  row: StoredRollout,
  move: Move,
  atSeconds: number,
): ChangeDone {
  const { write } = context;
  const writer = versionOf(context, head, move, atSeconds);
  writer.note('complete', row.id);
  writer.finish();
  endRollout(write, row.id, 'complete', writer.version, atSeconds);
  const sql = 'SELECT DISTINCT name FROM entries WHERE rollout = ? AND removed IS NULL LIMIT ?';
  const names = write.all<{ name: string }>(sql, row.id, DELTA_NAMES_MAX + 1).map(({ name }) => name);
  return doneOf(context, head, writer, names.length > DELTA_NAMES_MAX ? undefined : names);
}

function* abort(
  context: LedgerContext,
  head: ListHead,
  row: StoredRollout,
  move: Move,
  atSeconds: number,
): Generator<void, ChangeDone> {
  const { write, read } = context;
  const writer = versionOf(context, head, move, atSeconds);
  const sql = 'SELECT * FROM entries WHERE rollout = ? AND removed IS NULL ORDER BY name, scope';
  for (const entry of read.walk<EntryRow>(sql, row.id)) {
    writer.remove(entry);
    if (writer.removed % PAUSE_NAMES === 0) yield;
  }
  writer.note('abort', row.id);
  writer.finish();
  endRollout(write, row.id, 'aborted', writer.version, atSeconds);
  return doneOf(context, head, writer, writer.names);
}

function versionOf(
  { write }: LedgerContext,
  head: ListHead,
  { actor, reason }: Move,
  atSeconds: number,
): VersionWriter {
  const facts = { origin: 'rollout', actorId: actor.id, maintainer: actor.name, reason, atSeconds };
  return new VersionWriter(write, head, facts);
}

function doneOf(
  { write, nowSeconds }: LedgerContext,
  head: ListHead,
  writer: VersionWriter,
  names: readonly string[] | undefined,
): ChangeDone {
  return {
    kind: 'done',
    version: writer.version,
    accepted: 0,
    removed: writer.removed,
    unchanged: 0,
    rejected: [],
    rejectedTotal: 0,
    held: [],
    heldTotal: 0,
    isReplay: false,
    delta: deltaOf(write, listHead(write, head.name)!, head.version, names, nowSeconds()),
  };
}
