/**
 * What a change asks for one name, and what that means for what the list says of it now. Pure: decides, stores nothing.
 * A name that is removed and added in one change is replaced.
 */
import { FLAG_APPROVED, FLAG_SHADOW, saysTheSame, type EntryFields, type EntryRow } from './entry-rows.ts';

export interface GuardHit {
  readonly guard: string;
  readonly detail: string;
}

export interface WantedEntry {
  readonly fields: EntryFields;
  /** Undefined: nothing against it. */
  readonly hit: GuardHit | undefined;
  /** The row that comes back, of a rollback: who brought it, when, in which rollout. */
  readonly from?: EntryRow;
}

/** By scope: [subtree, exact]. */
export interface NameWork {
  readonly name: string;
  readonly add: readonly [WantedEntry | undefined, WantedEntry | undefined];
  readonly remove: readonly [boolean, boolean];
}

export type NameStep =
  | { readonly kind: 'add'; readonly fields: EntryFields; readonly replaces: EntryRow | undefined }
  | { readonly kind: 'remove'; readonly row: EntryRow }
  | { readonly kind: 'hold'; readonly fields: EntryFields; readonly hit: GuardHit }
  | { readonly kind: 'unchanged' }
  /** Scopes that were to be removed and are not there; `isAll`: nothing of the name was. */
  | { readonly kind: 'notListed'; readonly scopes: readonly number[]; readonly isAll: boolean };

/** The steps for one name. `proposeOnly`: everything that would be added waits. */
export function stepsOf(work: NameWork, current: readonly EntryRow[], proposeOnly: boolean): NameStep[] {
  const steps: NameStep[] = [];
  const absent: number[] = [];
  for (const scope of [0, 1] as const) {
    const row = current.find((candidate) => candidate.scope === scope);
    const wanted = work.add[scope];
    if (wanted === undefined) {
      if (!work.remove[scope]) continue;
      if (row === undefined) absent.push(scope);
      else steps.push({ kind: 'remove', row });
      continue;
    }
    const step = stepOfAdd(wanted, row, proposeOnly);
    steps.push(step);
    if (step.kind === 'hold' && work.remove[scope] && row !== undefined) steps.push({ kind: 'remove', row });
  }
  if (absent.length > 0) {
    steps.push({ kind: 'notListed', scopes: absent, isAll: !steps.some(({ kind }) => kind === 'remove') });
  }
  return steps;
}

function stepOfAdd({ fields, hit }: WantedEntry, row: EntryRow | undefined, proposeOnly: boolean): NameStep {
  if (row !== undefined && saysTheSame(row, fields)) return { kind: 'unchanged' };
  if (proposeOnly) return { kind: 'hold', fields, hit: hit ?? PROPOSED };
  const isApproved = row !== undefined && (row.flags & FLAG_APPROVED) !== 0;
  // Why: who let it through in shadow mode has not said that it may block.
  const isStricter = row !== undefined && (row.flags & FLAG_SHADOW) !== 0 && (fields.flags & FLAG_SHADOW) === 0;
  const staysApproved = isApproved && !isStricter;
  if (hit !== undefined && !staysApproved) return { kind: 'hold', fields, hit };
  const flags = staysApproved ? fields.flags | FLAG_APPROVED : fields.flags;
  return { kind: 'add', fields: { ...fields, flags }, replaces: row };
}

const PROPOSED: GuardHit = { guard: 'proposed', detail: 'the token may only propose' };
