/**
 * JSON lists: arrays of names or of objects with a name in them, wherever they sit in the document. Keys say what an
 * array is for: a whitelist's names are exceptions, a fuzzy list's (names to compare with) are no blocks. The text is
 * read as it comes, token by token, so that a document of one endless line is no larger in memory than its longest
 * string; a document that breaks off or is malformed is refused whole, for nobody knows what the rest held.
 */
import { emitFields, fieldsOfEntry, roleOfField } from './entry-fields.ts';
import { JsonScanner, type JsonVisitor } from './json-scanner.ts';
import { fieldsOfObject } from './jsonl.ts';
import type { EntrySink, LineParser, ListFormat, ParserOptions } from './list-format.ts';

const EXCEPTION_KEY = /^(?:white|allow)(?:ed)?(?:_?(?:list|domains?|hosts?|names?))?$|^exceptions?$|^safe(?:list)?$/i;
const NO_LIST_KEY = /fuzzy|tolerance|suspicious|tags?$|sources?$|references?$|categor|authors?$|keywords?$|brands?$/i;
const LIST_KEY = /domains?|hosts?|hostnames?|urls?|sites?|names?|black_?list|block|list|entries|items|data|indicators/i;
const TEXT_SHOWN_MAX = 160;

export const jsonFormat: ListFormat = {
  name: 'json',
  description: 'JSON: arrays of names or of objects, anywhere in the document',
  detect(firstLines) {
    const start = firstLines.slice(0, 50).join(' ').trimStart().slice(0, 1000);
    return /^(?:\[\s*(?:["[{\]]|$)|\{\s*(?:["}]|$))/.test(start) ? 0.97 : 0;
  },
  createParser: (sink, options) => new JsonParser(sink, options),
  write: {
    // Why a first element without a name: the entries behind it can each bring their comma.
    header: (listName) => `[\n  ${JSON.stringify({ list: listName })}`,
    entry: (entry) => `,\n  ${JSON.stringify(fieldsOfEntry(entry))}`,
    footer: () => '\n]\n',
  },
};

/** What the strings of an array are. */
type Purpose = 'block' | 'exception' | 'ignored';

interface Level {
  readonly isArray: boolean;
  readonly purpose: Purpose;
  /** An object in an array: its own arrays are details unless their key says otherwise. */
  readonly isRecord: boolean;
  readonly fields: Record<string, string>;
}

class JsonParser implements LineParser, JsonVisitor {
  readonly #sink: EntrySink;
  readonly #options: ParserOptions;
  readonly #scanner: JsonScanner;
  readonly #levels: Level[] = [];

  constructor(sink: EntrySink, options: ParserOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#scanner = new JsonScanner(this);
  }

  line(text: string): void {
    this.text(`${text}\n`);
  }

  text(piece: string): void {
    this.#scanner.push(piece);
  }

  lineCount(): number {
    return this.#scanner.lineNumber;
  }

  end(): void {
    this.#scanner.end();
  }

  open(isArray: boolean, key: string | undefined): void {
    const above = this.#levels.at(-1);
    const isRecord = !isArray && above?.isArray === true;
    this.#levels.push({ isArray, purpose: purposeOf(above, key), isRecord, fields: {} });
  }

  close(): void {
    const level = this.#levels.pop();
    if (level === undefined || level.isArray || level.purpose === 'ignored') return;
    const fields = fieldsOfObject(level.fields);
    if (fields.name === undefined || !level.isRecord) return;
    if (level.purpose === 'exception') fields.kind = 'exception';
    emitFields(fields, this.#scanner.lineNumber, shown(level.fields), this.#sink, this.#options);
  }

  scalar(value: string, isString: boolean, key: string | undefined): void {
    const level = this.#levels.at(-1);
    if (level === undefined) return;
    if (!level.isArray) {
      if (key !== undefined && roleOfField(key) !== undefined && value !== 'null') level.fields[key] = value;
      return;
    }
    if (!isString || level.purpose === 'ignored') return;
    emitFields({ name: value, kind: level.purpose }, this.#scanner.lineNumber, value, this.#sink, this.#options);
  }
}

function purposeOf(above: Level | undefined, key: string | undefined): Purpose {
  if (above === undefined) return 'block';
  if (above.purpose === 'ignored' || key === undefined) return above.purpose;
  if (EXCEPTION_KEY.test(key)) return 'exception';
  if (NO_LIST_KEY.test(key)) return 'ignored';
  return above.isRecord && !LIST_KEY.test(key) ? 'ignored' : above.purpose;
}

function shown(fields: Record<string, string>): string {
  return JSON.stringify(fields).slice(0, TEXT_SHOWN_MAX);
}
