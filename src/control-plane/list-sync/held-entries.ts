/** The entries that a list's guard holds, by name: for people who decide about them. Plain data: crosses threads. */

/** Of one list; the rest waits unseen until some of these are decided. */
export const HELD_NAMES_MAX = 1_000;

export interface HeldName {
  readonly name: string;
  readonly scope: 'exact' | 'subtree';
  readonly guard: string;
  readonly detail: string;
}

/** One that many ask for. Stays held while it is in the list, however little it is asked for later. */
export type RadiusHold = Omit<HeldName, 'guard'>;

export function entryKey(name: string, scope: 'exact' | 'subtree'): string {
  return `${scope} ${name}`;
}

/** What a file says, read as if a stranger had written it. */
export function radiusHoldsFrom(value: unknown): readonly RadiusHold[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, HELD_NAMES_MAX).filter(isRadiusHold);
}

export function isHeldName(value: unknown): value is HeldName {
  return isRadiusHold(value) && 'guard' in value && typeof value.guard === 'string';
}

export function isRadiusHold(value: unknown): value is RadiusHold {
  if (typeof value !== 'object' || value === null) return false;
  const { name, scope, detail } = value as Partial<Record<string, unknown>>;
  return typeof name === 'string' && (scope === 'exact' || scope === 'subtree') && typeof detail === 'string';
}
