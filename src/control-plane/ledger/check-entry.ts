/**
 * Looks at an entry as it was sent, before anything is stored: its name as every list format takes it, its fields within
 * what the ledger keeps. Says of each that cannot be taken why, with a code. Pure; the guard comes behind it.
 */
import { CATEGORIES, categoryIndex } from '../../policy/category.ts';
import { normaliseName } from '../list-sync/format/normalise-name.ts';
import { FLAG_SHADOW, SCOPE_EXACT, SCOPE_SUBTREE, type EntryFields } from './entry-rows.ts';
import type { ProposedEntry, ProposedRemoval, RejectedEntry } from './ledger.ts';

/** Characters of a reference, a note, an unknown category. */
export const TEXT_CHARACTERS_MAX = 500;
/** Of a rejected name in an answer. */
const SHOWN_CHARACTERS_MAX = 255;
/** An entry's expiry is a Uint32 in the index: up to the year 2106. */
const SECONDS_MAX = 0xffff_ffff;
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

export type CheckedEntry = { readonly kind: 'entry'; readonly fields: EntryFields } | Rejection;
export type CheckedRemoval =
  | { readonly kind: 'removal'; readonly name: string; /** Undefined: both. */ readonly scope: number | undefined }
  | Rejection;
export type Rejection = { readonly kind: 'rejected'; readonly rejected: RejectedEntry };

type Sent = Readonly<Record<keyof ProposedEntry, unknown>>;

/** `isSharedHost`: a URL with a path on such a host accuses one page, not the host. */
export function checkEntry(
  proposed: ProposedEntry,
  nowSeconds: number,
  isSharedHost: (name: string) => boolean,
): CheckedEntry {
  const sent = proposed as Sent;
  const named = checkName(sent.name, isSharedHost);
  if (typeof named !== 'string') return named;
  const scope = scopeOf(sent.scope);
  if (scope === undefined) return rejected(named, 'badScope', 'scope is exact or subtree');
  if (sent.category !== undefined && typeof sent.category !== 'string') {
    return rejected(named, 'badCategory', 'category is a word');
  }
  if (sent.mode !== undefined && sent.mode !== 'enforce' && sent.mode !== 'shadow') {
    return rejected(named, 'badMode', 'mode is enforce or shadow');
  }
  for (const field of ['category', 'reference', 'note'] as const) {
    const text = sent[field];
    if (text === undefined) continue;
    if (typeof text !== 'string') return rejected(named, 'badText', `${field} is no text`);
    if (text.length > TEXT_CHARACTERS_MAX) {
      return rejected(named, 'textTooLong', `${field}: at most ${TEXT_CHARACTERS_MAX} characters`);
    }
  }
  const expires = sent.expiresAt === undefined ? 0 : secondsOf(sent.expiresAt);
  if (expires === undefined) return rejected(named, 'badExpiry', 'expiresAt is a time of RFC 3339');
  if (expires !== 0 && expires <= nowSeconds) return rejected(named, 'expired', 'expiresAt has passed');
  return {
    kind: 'entry',
    fields: {
      name: named,
      scope,
      ...categoryFields(sent.category ?? ''),
      reference: textOf(sent.reference),
      note: textOf(sent.note),
      expires,
      flags: sent.mode === 'shadow' ? FLAG_SHADOW : 0,
    },
  };
}

export function checkRemoval(proposed: ProposedRemoval): CheckedRemoval {
  // Why no shared host: whatever was listed by a URL is taken back by the same one.
  const named = checkName(proposed.name, () => false);
  if (typeof named !== 'string') return named;
  if (proposed.scope === undefined) return { kind: 'removal', name: named, scope: undefined };
  const scope = scopeOf(proposed.scope);
  return scope === undefined
    ? rejected(named, 'badScope', 'scope is exact or subtree')
    : { kind: 'removal', name: named, scope };
}

export function rejected(name: string, code: string, detail: string): Rejection {
  return { kind: 'rejected', rejected: { name: name.slice(0, SHOWN_CHARACTERS_MAX).toWellFormed(), code, detail } };
}

function checkName(name: unknown, isSharedHost: (name: string) => boolean): string | Rejection {
  if (typeof name !== 'string') return rejected('', 'notAName', 'name is a text');
  const result = normaliseName(name);
  if (result.kind === 'skip') return rejected(name, result.reason, 'it is not the name of a host');
  if (result.hasPath && isSharedHost(result.name)) {
    return rejected(name, 'urlWithPathOnSharedHost', `${result.name} has many owners; the path tells them apart`);
  }
  return result.name;
}

function scopeOf(scope: unknown): number | undefined {
  if (scope === undefined) return SCOPE_SUBTREE;
  if (typeof scope !== 'string') return undefined;
  const word = scope.toLowerCase();
  return word === 'subtree' ? SCOPE_SUBTREE : word === 'exact' ? SCOPE_EXACT : undefined;
}

function categoryFields(text: string): { category: number | null; word: string | null } {
  const word = text.trim().toWellFormed();
  if (word === '') return { category: null, word: null };
  const category = categoryIndex(word);
  return category === undefined ? { category: CATEGORIES.indexOf('other'), word } : { category, word: null };
}

/** Why well-formed: half a surrogate pair would come back from the database as something else, and never be the same. */
function textOf(text: unknown): string | null {
  return typeof text === 'string' && text !== '' ? text.toWellFormed() : null;
}

function secondsOf(text: unknown): number | undefined {
  const parts = typeof text === 'string' ? RFC3339.exec(text) : null;
  if (parts === null) return undefined;
  const [whole, year, month, day] = parts;
  // Why: Date.parse takes the 30th of February for the 2nd of March.
  if (Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return undefined;
  const milliseconds = Date.parse(whole.toUpperCase());
  if (!Number.isFinite(milliseconds)) return undefined;
  return Math.min(Math.max(Math.floor(milliseconds / 1000), 1), SECONDS_MAX);
}
