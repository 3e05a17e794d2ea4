/**
 * Weir's own format: JSON Lines, one object an entry: name, scope (exact | subtree, the default), category, authority,
 * reference, addedAt, expiresAt, note; `"kind":"exception"` lifts this list's own entries. The one format that keeps
 * everything an entry can say.
 */
import { emitFields, fieldsOfEntry, roleOfField, type FieldValues } from './entry-fields.ts';
import type { EntrySink, LineParser, ListFormat, ParserOptions } from './list-format.ts';

export const jsonlFormat: ListFormat = {
  name: 'jsonl',
  description: 'JSON Lines, one object an entry (Weir’s own format)',
  detect(firstLines) {
    let matching = 0;
    let lines = 0;
    for (const line of firstLines) {
      const text = line.trim();
      if (text === '' || text.startsWith('#')) continue;
      lines++;
      const value = text.startsWith('{') ? parsed(text) : undefined;
      if (value !== undefined && fieldsOfObject(value).name !== undefined) matching++;
    }
    return lines === 0 ? 0 : (0.98 * matching) / lines;
  },
  createParser: (sink, options) => new JsonlParser(sink, options),
  write: {
    header: () => '',
    entry: (entry) => `${JSON.stringify(fieldsOfEntry(entry))}\n`,
    footer: () => '',
  },
};

class JsonlParser implements LineParser {
  readonly #sink: EntrySink;
  readonly #options: ParserOptions;

  constructor(sink: EntrySink, options: ParserOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  line(line: string, lineNumber: number): void {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return;
    const value = parsed(text);
    const fields = value === undefined ? {} : fieldsOfObject(value);
    if (fields.name === undefined) this.#sink.skipped('syntax', lineNumber, line);
    else emitFields(fields, lineNumber, line, this.#sink, this.#options);
  }

  end(): void {}
}

/** The fields of an object that have a meaning here, strings and numbers only. */
export function fieldsOfObject(object: object): FieldValues {
  const fields: FieldValues = {};
  let nameRank = Number.POSITIVE_INFINITY;
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const role = roleOfField(key);
    if (role === undefined || (role.role === 'name' && role.rank >= nameRank)) continue;
    if (role.role === 'name') nameRank = role.rank;
    fields[role.role] = String(value);
  }
  return fields;
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
