/** What the parts of the ledger's thread work with, and the few questions that all of them ask first. */
import type { AuditChain } from './audit-chain.ts';
import type { EntryGuard } from './entry-guard.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { Actor, LedgerListSettings, LedgerRefusal, LedgerRefusalCode, LedgerSettings, Right } from './ledger.ts';

export interface ListContext {
  readonly settings: LedgerListSettings;
  /** Names that the operator has looked at. */
  readonly approved: ReadonlySet<string>;
}

export interface LedgerContext {
  /** Only inside a turn of the write queue. */
  readonly write: LedgerConnection;
  /** Sees what is committed. */
  readonly read: LedgerConnection;
  /** Over `write`. */
  readonly audit: Pick<AuditChain, 'append'>;
  readonly guard: EntryGuard;
  readonly lists: ReadonlyMap<string, ListContext>;
  readonly settings: LedgerSettings;
  readonly nowSeconds: () => number;
}

export function refuse(code: LedgerRefusalCode, message: string): LedgerRefusal {
  return { kind: 'refused', code, message };
}

/** For the audit chain: who, and by which token. */
export function actorText({ id, name }: Actor): string {
  return id === name ? id : `${name} (${id})`;
}

/** Are two maintainers' names written the same, but for how? */
export function samePerson(a: string, b: string): boolean {
  return personOf(a) === personOf(b);
}

function personOf(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}

function isSystem(actor: Actor): boolean {
  return actor.id === 'system';
}

/** Whether the actor has one of the rights on the list; Weir itself has all. */
export function mayAct(actor: Actor, rights: readonly Right[], list: string): LedgerRefusal | undefined {
  if (isSystem(actor)) return undefined;
  const hasList = actor.lists.includes('*') || actor.lists.includes(list);
  if (hasList && rights.some((right) => actor.rights.includes(right))) return undefined;
  return refuse('forbidden', `It needs the right ${rights.join(' or ')} on the list ${list}.`);
}

/** The list, if it takes pushes. */
export function pushList(lists: LedgerContext['lists'], name: string): ListContext | LedgerRefusal {
  const list = lists.get(name);
  if (list === undefined) return refuse('listUnknown', `There is no list ${name}.`);
  if (list.settings.source === 'push') return list;
  const kind = list.settings.source === 'feed' ? 'follows a feed' : 'is pulled from its source';
  return refuse('notAPushList', `The list ${name} ${kind}; it changes there.`);
}
