/**
 * An entry from named fields, as CSV columns, JSON objects and Weir's own JSON Lines give them. Field names are matched
 * without regard to case, spaces and underscores; the words that the world uses for one thing are listed here once.
 */
import { CATEGORIES, categoryIndex, type Category } from '../../../policy/category.ts';
import type { EntryProvenance, EntrySink, ListEntry, ParserOptions } from './list-format.ts';
import { normaliseName } from './normalise-name.ts';

export type FieldRole =
  'name' | 'scope' | 'kind' | 'category' | 'tags' | 'authority' | 'reference' | 'addedAt' | 'expiresAt' | 'note';

/** Of the fields that may hold the name, the first that is there does. */
const NAME_FIELDS = [
  'domain',
  'domainname',
  'fqdn',
  'hostname',
  'host',
  'url',
  'uri',
  'website',
  'site',
  'indicator',
  'ioc',
  'name',
  'value',
  'entry',
  '域名',
  '网址',
] as const;

const ROLES: Readonly<Record<Exclude<FieldRole, 'name'>, readonly string[]>> = {
  scope: ['scope'],
  kind: ['kind', 'type', 'indicatortype'],
  category: ['category', 'threat', 'threattype', '类别'],
  tags: ['tags', 'tag'],
  authority: ['authority', '机关'],
  reference: ['reference', 'case', 'casenumber', 'ref', '案号'],
  addedAt: ['addedat', 'dateadded', 'added', 'firstseen', 'date', 'time', 'timestamp'],
  expiresAt: ['expiresat', 'expires', 'expiry'],
  note: ['note', 'comment', 'description'],
};
const FIELD_TEXT_MAX = 500;
/** A time of an entry is a Uint32: up to the year 2106. */
const SECONDS_MAX = 0xffff_ffff;
/** Values of a kind field that say the row is about a name. */
export const NAME_KINDS = new Set([
  'domain',
  'url',
  'hostname',
  'host',
  'fqdn',
  'uri',
  'block',
  'exception',
  'domain-name',
]);
/** Values of a kind field that say the row is about something DNS cannot block. */
export const OTHER_KINDS = new Set([
  'ip',
  'ipv4',
  'ipv6',
  'ip:port',
  'cidr',
  'md5',
  'sha1',
  'sha256',
  'hash',
  'email',
  'filename',
]);

export type FieldValues = Partial<Record<FieldRole, string>>;

/** What a field of this name holds; for names also how good a candidate it is (0 best). */
export function roleOfField(field: string): { role: FieldRole; rank: number } | undefined {
  const key = field.toLowerCase().replaceAll(/[\s_-]/g, '');
  const rank = (NAME_FIELDS as readonly string[]).indexOf(key);
  if (rank >= 0) return { role: 'name', rank };
  for (const [role, names] of Object.entries(ROLES)) {
    if (names.includes(key) && isRole(role)) return { role, rank: 0 };
  }
  return undefined;
}

function isRole(text: string): text is FieldRole {
  return text in ROLES;
}

/** Gives the entry that the fields describe to the sink, or says there why there is none. */
export function emitFields(
  fields: FieldValues,
  lineNumber: number,
  text: string,
  sink: EntrySink,
  options: ParserOptions,
): void {
  const kindWord = fields.kind?.toLowerCase() ?? '';
  if (OTHER_KINDS.has(kindWord)) {
    sink.skipped(kindWord.startsWith('ip') || kindWord === 'cidr' ? 'ipAddress' : 'notABlock', lineNumber, text);
    return;
  }
  const result = normaliseName(fields.name ?? '');
  if (result.kind === 'skip') {
    sink.skipped(result.reason, lineNumber, text);
    return;
  }
  if (result.hasPath && options.isSharedHost(result.name)) {
    sink.skipped('urlWithPathOnSharedHost', lineNumber, text);
    return;
  }
  const category = categoryOf(fields, lineNumber, sink);
  const expiresAtSeconds = expiryOf(fields.expiresAt, lineNumber, sink);
  const provenance = provenanceOf(fields, category);
  const scopeWord = fields.scope?.toLowerCase() ?? '';
  if (scopeWord !== '' && scopeWord !== 'exact' && scopeWord !== 'subtree') {
    sink.skipped('syntax', lineNumber, text);
    return;
  }
  const entry: ListEntry = {
    name: result.name,
    scope: scopeWord === 'exact' ? 'exact' : 'subtree',
    kind: kindWord === 'exception' ? 'exception' : 'block',
    ...(category === undefined ? {} : { category }),
    ...(expiresAtSeconds === undefined ? {} : { expiresAtSeconds }),
    ...(provenance === undefined ? {} : { provenance }),
  };
  sink.entry(entry, lineNumber);
}

function categoryOf(fields: FieldValues, lineNumber: number, sink: EntrySink): Category | undefined {
  const word = fields.category?.trim() ?? '';
  if (word !== '') {
    const index = categoryIndex(word);
    if (index === undefined) sink.warning(`category "${word}" is unknown: counted as other`, lineNumber);
    return index === undefined ? 'other' : CATEGORIES[index];
  }
  for (const tag of (fields.tags ?? '').split(/[\s,;]+/)) {
    const index = tag === '' ? undefined : categoryIndex(tag.replace(/^#/, ''));
    if (index !== undefined) return CATEGORIES[index];
  }
  return undefined;
}

function expiryOf(text: string | undefined, lineNumber: number, sink: EntrySink): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const number = /^\d+$/.test(text.trim()) ? Number(text) : undefined;
  // Why: JSON from JavaScript and Java counts milliseconds; taken for seconds, the entry would never end.
  const seconds = number !== undefined && number <= SECONDS_MAX ? number : (number ?? Date.parse(text)) / 1000;
  if (seconds > 0) return Math.floor(Math.min(seconds, SECONDS_MAX));
  sink.warning(`expiry "${text}" is no time: the entry does not expire`, lineNumber);
  return undefined;
}

function provenanceOf(fields: FieldValues, category: Category | undefined): EntryProvenance | undefined {
  const word = fields.category?.trim() ?? '';
  const values: Record<string, string | undefined> = {
    authority: fields.authority,
    reference: fields.reference,
    addedAt: fields.addedAt,
    note: fields.note,
    categoryWord: word !== '' && word.toLowerCase() !== category ? word : undefined,
  };
  const provenance: Record<string, string> = {};
  let isEmpty = true;
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || value === '') continue;
    provenance[key] = value.slice(0, FIELD_TEXT_MAX);
    isEmpty = false;
  }
  return isEmpty ? undefined : provenance;
}

/** The entry as plain fields in a fixed order, for the writers of formats that keep everything. */
export function fieldsOfEntry(entry: ListEntry): Record<string, string> {
  const provenance = entry.provenance ?? {};
  const fields: Record<string, string | undefined> = {
    name: entry.name,
    scope: entry.scope,
    kind: entry.kind === 'exception' ? 'exception' : undefined,
    category: provenance.categoryWord ?? entry.category,
    authority: provenance.authority,
    reference: provenance.reference,
    addedAt: provenance.addedAt,
    expiresAt: entry.expiresAtSeconds === undefined ? undefined : new Date(entry.expiresAtSeconds * 1000).toISOString(),
    note: provenance.note,
  };
  const present: Record<string, string> = {};
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) present[key] = value;
  return present;
}
