/**
 * CSV with or without a header; "," ";" tab or "|" between the fields, quotes as in RFC 4180 (a field that spans lines is
 * not read). With a header its words say what each column is; without one the first rows show it: the name column is
 * the one with the most different domain names in it. `csv:COLUMN` (a header word or a number from 1) names it.
 */
import { parse } from 'tldts';
import { emitFields, fieldsOfEntry, NAME_KINDS, OTHER_KINDS, roleOfField, type FieldRole } from './entry-fields.ts';
import type { FieldValues } from './entry-fields.ts';
import type { EntrySink, LineParser, ListFormat, ParserOptions } from './list-format.ts';
import { normaliseName } from './normalise-name.ts';

const DELIMITERS = [',', ';', '\t', '|'];
const ROWS_BEFORE_DECIDING = 200;
const COLUMNS_MAX = 100;
const NAME_COLUMN_SCORE_MIN = 0.05;
const KIND_COLUMN_SHARE_MIN = 0.8;
const WRITTEN_COLUMNS = ['name', 'scope', 'kind', 'category', 'authority', 'reference', 'addedAt', 'expiresAt', 'note'];

export const csvFormat: ListFormat = csvFormatWithColumn(undefined);

/** The CSV format with its name column given: a header word, or a number from 1. */
export function csvFormatWithColumn(column: string | undefined): ListFormat {
  return {
    name: column === undefined ? 'csv' : `csv:${column}`,
    description: 'CSV with or without a header; csv:COLUMN names the column',
    detect: detectCsv,
    createParser: (sink, options) => new CsvParser(sink, options, column),
    write: {
      header: () => `${WRITTEN_COLUMNS.join(',')}\n`,
      entry(entry) {
        const fields = fieldsOfEntry(entry);
        return `${WRITTEN_COLUMNS.map((key) => quoted(fields[key] ?? '')).join(',')}\n`;
      },
      footer: () => '',
    },
  };
}

function detectCsv(firstLines: readonly string[]): number {
  const lines = firstLines.filter((line) => !isIgnored(line)).slice(0, ROWS_BEFORE_DECIDING);
  const delimiter = delimiterOf(lines);
  if (delimiter === undefined || lines.length === 0) return 0;
  const rows = lines.map((line) => splitRow(line, delimiter));
  const hasHeader = headerOf(rows[0]) !== undefined;
  const width = rows[0]?.length ?? 0;
  const even = rows.filter((row) => row !== undefined && row.length === width).length / rows.length;
  const plan = planColumns(rows, undefined);
  if (plan === undefined || width < 2) return 0;
  return hasHeader ? 0.96 * even : 0.85 * even;
}

interface ColumnPlan {
  readonly hasHeader: boolean;
  readonly roles: ReadonlyMap<number, FieldRole>;
}

class CsvParser implements LineParser {
  readonly #sink: EntrySink;
  readonly #options: ParserOptions;
  readonly #column: string | undefined;
  readonly #waiting: { text: string; lineNumber: number }[] = [];
  #delimiter = ',';
  #plan: ColumnPlan | undefined;
  #isDecided = false;

  constructor(sink: EntrySink, options: ParserOptions, column: string | undefined) {
    this.#sink = sink;
    this.#options = options;
    this.#column = column;
  }

  line(text: string, lineNumber: number): void {
    if (isIgnored(text)) return;
    if (this.#isDecided) {
      this.#row(text, lineNumber);
      return;
    }
    this.#waiting.push({ text, lineNumber });
    if (this.#waiting.length >= ROWS_BEFORE_DECIDING) this.#decide();
  }

  end(): void {
    this.#decide();
  }

  #decide(): void {
    this.#isDecided = true;
    const waiting = this.#waiting.splice(0);
    const lines = waiting.map(({ text }) => text);
    this.#delimiter = delimiterOf(lines) ?? ',';
    this.#plan = planColumns(
      lines.map((line) => splitRow(line, this.#delimiter)),
      this.#column,
    );
    for (const { text, lineNumber } of this.#plan?.hasHeader === true ? waiting.slice(1) : waiting) {
      this.#row(text, lineNumber);
    }
  }

  #row(text: string, lineNumber: number): void {
    const row = splitRow(text, this.#delimiter);
    if (row === undefined || this.#plan === undefined) {
      this.#sink.skipped('syntax', lineNumber, text);
      return;
    }
    const fields: FieldValues = {};
    for (const [column, role] of this.#plan.roles) {
      const cell = row[column]?.trim() ?? '';
      if (cell !== '') fields[role] = cell;
    }
    emitFields(fields, lineNumber, text, this.#sink, this.#options);
  }
}

function planColumns(
  rows: readonly (readonly string[] | undefined)[],
  given: string | undefined,
): ColumnPlan | undefined {
  const header = headerOf(rows[0]);
  const roles = header ?? rolesByContent(rows);
  if (given !== undefined) {
    const wanted = given.toLowerCase();
    const named = rows[0]?.findIndex((cell) => cell.trim().toLowerCase() === wanted) ?? -1;
    const column = /^\d+$/.test(given) ? Number(given) - 1 : named;
    if (column < 0) return undefined;
    const others = [...roles].filter(([, role]) => role !== 'name');
    return { hasHeader: header !== undefined || named >= 0, roles: new Map([...others, [column, 'name']]) };
  }
  return [...roles.values()].includes('name') ? { hasHeader: header !== undefined, roles } : undefined;
}

/** The roles that a header row gives its columns; undefined if the row is none. */
function headerOf(row: readonly string[] | undefined): Map<number, FieldRole> | undefined {
  // Why: in a file without a header, "domain" may stand in its first row as the kind of what follows.
  if (row?.some((cell) => domainOf(cell.trim()) !== undefined) !== false) return undefined;
  const roles = new Map<number, FieldRole>();
  let nameColumn = -1;
  let nameRank = Number.POSITIVE_INFINITY;
  for (const [column, cell] of (row ?? []).entries()) {
    const role = roleOfField(cell.trim().replace(/^#\s*/, ''));
    if (role === undefined) continue;
    if (role.role !== 'name') roles.set(column, role.role);
    else if (role.rank < nameRank) [nameColumn, nameRank] = [column, role.rank];
  }
  if (nameColumn < 0) return undefined;
  return roles.set(nameColumn, 'name');
}

function rolesByContent(rows: readonly (readonly string[] | undefined)[]): Map<number, FieldRole> {
  const roles = new Map<number, FieldRole>();
  const width = Math.min(Math.max(0, ...rows.map((row) => row?.length ?? 0)), COLUMNS_MAX);
  let bestScore = NAME_COLUMN_SCORE_MIN;
  let nameColumn = -1;
  for (let column = 0; column < width; column++) {
    const cells = rows.map((row) => row?.[column]?.trim() ?? '').filter((cell) => cell !== '');
    const kinds = cells.filter((cell) => NAME_KINDS.has(cell.toLowerCase()) || OTHER_KINDS.has(cell.toLowerCase()));
    if (cells.length > 0 && kinds.length / cells.length >= KIND_COLUMN_SHARE_MIN) roles.set(column, 'kind');
    else if (cells.length > 0 && cells.every((cell) => cell.startsWith('#'))) roles.set(column, 'tags');
    const names = new Set(cells.map(domainOf).filter((name) => name !== undefined));
    const score = names.size / Math.max(1, rows.length);
    if (score > bestScore) [bestScore, nameColumn] = [score, column];
  }
  if (nameColumn >= 0) roles.set(nameColumn, 'name');
  return roles;
}

/** The name in a cell, if it is one that could exist: below a public suffix that the list of them knows. */
function domainOf(cell: string): string | undefined {
  const result = normaliseName(cell);
  if (result.kind === 'skip' || !result.name.includes('.')) return undefined;
  const { isIcann, isPrivate } = parse(result.name, { allowPrivateDomains: true, validateHostname: false });
  return isIcann === true || isPrivate === true ? result.name : undefined;
}

function delimiterOf(lines: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestLines = 0;
  for (const delimiter of DELIMITERS) {
    const matching = lines.filter((line) => line.includes(delimiter)).length;
    if (matching > bestLines) [best, bestLines] = [delimiter, matching];
  }
  return bestLines * 2 > lines.length ? best : undefined;
}

/** The fields of one row; undefined if its quotes do not pair. */
function splitRow(line: string, delimiter: string): string[] | undefined {
  if (!line.includes('"')) return line.split(delimiter, COLUMNS_MAX);
  const fields: string[] = [];
  let at = 0;
  while (fields.length < COLUMNS_MAX) {
    if (line[at] !== '"') {
      const end = line.indexOf(delimiter, at);
      fields.push(end < 0 ? line.slice(at) : line.slice(at, end));
      if (end < 0) return fields;
      at = end + 1;
      continue;
    }
    let field = '';
    for (at++; ; at++) {
      const end = line.indexOf('"', at);
      if (end < 0) return undefined;
      field += line.slice(at, end);
      at = end + 1;
      if (line[at] !== '"') break;
      field += '"';
    }
    fields.push(field);
    if (at >= line.length) return fields;
    if (line[at] !== delimiter) return undefined;
    at++;
  }
  return fields;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""').replaceAll(/[\r\n]+/g, ' ')}"` : text;
}

/** A comment may stand above a header ("# domain,category" is itself a header). */
function isIgnored(line: string): boolean {
  const text = line.trim();
  if (text === '') return true;
  if (!text.startsWith('#')) return false;
  return headerOf(text.split(',')) === undefined;
}
