/**
 * The verdict on a name with what only the list that decides knows of it, as people see it: `weir check --json` and
 * GET /v1/explain say it in the same keys. Data only.
 */
import type { ExplainedException, ExplainedRule, Explanation } from '../../policy/explain.ts';

/** Keys are stable. */
export interface NameVerdict {
  readonly name: string;
  readonly verdict: Explanation['verdict'];
  readonly list: string | null;
  readonly entry: string | null;
  readonly scope: string | null;
  readonly category: string | null;
  readonly authority: string | null;
  readonly version: number | null;
  readonly action: string | null;
  readonly order: string | null;
  readonly incident: string | null;
  readonly reference: string | null;
  readonly addedAt: string | null;
  readonly expiresAt: string | null;
  readonly note: string | null;
  /** The protected name at or above this one: what its answers lead to does not block it. */
  readonly protectedBy: string | null;
  /** The exception that lets this client through to a name that a list would block. */
  readonly exception: NameException | null;
}

export interface NameException {
  readonly id: string;
  readonly clients: string;
  readonly entry: string;
  readonly scope: string;
  readonly expiresAt: string;
}

export interface VerdictProvenance {
  readonly authority?: string | undefined;
  readonly reference?: string | undefined;
  readonly addedAt?: string | undefined;
  readonly note?: string | undefined;
}

/** @param provenance of the entry that decides, where it is known */
export function nameVerdict(
  name: string,
  { verdict, decidedBy: by, rules, exceptions }: Explanation,
  provenance: VerdictProvenance | undefined,
): NameVerdict {
  const ofList: ExplainedRule | undefined = by?.kind === 'allow' ? undefined : by;
  const expiresAtSeconds = by?.expiresAtSeconds ?? 0;
  return {
    name,
    verdict,
    list: by?.list ?? null,
    entry: by?.entry ?? null,
    scope: by?.scope ?? null,
    category: ofList?.category ?? null,
    authority: ofList === undefined ? null : (provenance?.authority ?? ofList.authority),
    version: ofList?.version ?? null,
    action: ofList?.action ?? null,
    order: ofList?.order ?? null,
    incident: by?.incident ?? null,
    reference: provenance?.reference ?? null,
    addedAt: provenance?.addedAt ?? null,
    expiresAt: expiresAtSeconds === 0 ? null : new Date(expiresAtSeconds * 1000).toISOString(),
    note: provenance?.note ?? null,
    exception: exceptionOf(exceptions),
    protectedBy: rules.find(({ outcome }) => outcome === 'protects')?.entry ?? null,
  };
}

function exceptionOf(exceptions: readonly ExplainedException[]): NameException | null {
  const one = exceptions.find(({ outcome }) => outcome === 'decides');
  if (one === undefined) return null;
  const { id, clients, entry, scope, untilSeconds } = one;
  return { id, clients, entry, scope, expiresAt: new Date(untilSeconds * 1000).toISOString() };
}
