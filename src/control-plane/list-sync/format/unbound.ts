/**
 * Unbound configuration as block lists use it: `local-zone: "name." always_null` and the other zone types that deny;
 * types that let through are exceptions. `local-data:` with an address that leads nowhere blocks its one name.
 */
import type { EntrySink, LineParser, ListEntry, ListFormat } from './list-format.ts';
import { matchingShare } from './matching-share.ts';
import { normaliseName } from './normalise-name.ts';
import { isSinkAddress } from './sink-address.ts';

const ZONE = /^local-zone:\s*["']?([^\s"']+)["']?\s+["']?(\w+)["']?$/;
/** Of a record between quotes: name, perhaps a TTL and the class, type, data. */
const DATA_WORDS_MAX = 10;
const OPTION = /^[a-z][a-z\d-]*:/;
const DENYING = new Set([
  'always_null',
  'always_nxdomain',
  'always_nodata',
  'always_refuse',
  'always_deny',
  'deny',
  'refuse',
  'static',
  'redirect',
  'inform_deny',
  'inform_redirect',
]);
const LETTING_THROUGH = new Set(['transparent', 'always_transparent', 'typetransparent']);

export const unboundFormat: ListFormat = {
  name: 'unbound',
  description: 'Unbound: local-zone: "name." always_null',
  detect: (firstLines) =>
    matchingShare(
      firstLines,
      (line) => withoutComment(line).replace(/^server:$/, ''),
      (text) => ZONE.test(text) || dataOf(text) !== undefined,
    ),
  createParser: (sink) => new UnboundParser(sink),
  write: {
    header: (listName) => `# ${listName}\nserver:\n`,
    entry: writeEntry,
    footer: () => '',
  },
};

function writeEntry(entry: ListEntry): string {
  const name = entry.name === '.' ? '.' : `${entry.name}.`;
  if (entry.scope === 'exact') return entry.kind === 'block' ? `  local-data: "${name} A 0.0.0.0"\n` : '';
  return `  local-zone: "${name}" ${entry.kind === 'block' ? 'always_null' : 'always_transparent'}\n`;
}

class UnboundParser implements LineParser {
  readonly #sink: EntrySink;
  #lastZone = '';

  constructor(sink: EntrySink) {
    this.#sink = sink;
  }

  line(line: string, lineNumber: number): void {
    const text = withoutComment(line);
    if (text === '' || text === 'server:') return;
    const zone = ZONE.exec(text);
    if (zone !== null) {
      this.#zone(zone[1] ?? '', (zone[2] ?? '').toLowerCase(), lineNumber, line);
      return;
    }
    const data = dataOf(text);
    if (data !== undefined) {
      const isBlock = (data.type === 'A' || data.type === 'AAAA') && isSinkAddress(data.value);
      if (isBlock) this.#entry(data.name, 'exact', 'block', lineNumber, line);
      else this.#sink.skipped('notABlock', lineNumber, line);
      return;
    }
    const isRule = text.startsWith('local-zone:') || text.startsWith('local-data:');
    this.#sink.skipped(!isRule && OPTION.test(text) ? 'notABlock' : 'syntax', lineNumber, line);
  }

  #zone(word: string, type: string, lineNumber: number, line: string): void {
    if (DENYING.has(type)) this.#entry(word, 'subtree', 'block', lineNumber, line);
    else if (LETTING_THROUGH.has(type)) this.#entry(word, 'subtree', 'exception', lineNumber, line);
    else this.#sink.skipped('notABlock', lineNumber, line);
  }

  #entry(word: string, scope: ListEntry['scope'], kind: ListEntry['kind'], lineNumber: number, line: string): void {
    const result = normaliseName(word);
    if (result.kind === 'skip') {
      this.#sink.skipped(result.reason, lineNumber, line);
    } else if (result.hasPath || word.includes('\\')) {
      this.#sink.skipped('syntax', lineNumber, line);
    } else if (scope === 'subtree' || result.name !== this.#lastZone) {
      // Why the condition: data of the zone just above is how "redirect" says where to; the zone is the block.
      if (scope === 'subtree') this.#lastZone = result.name;
      this.#sink.entry({ name: result.name, scope, kind }, lineNumber);
    }
  }

  end(): void {}
}

interface LocalData {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

function dataOf(text: string): LocalData | undefined {
  if (!text.startsWith('local-data:')) return undefined;
  const quoted = text.slice('local-data:'.length).trim();
  const quote = quoted.charAt(0);
  if ((quote !== '"' && quote !== "'") || quoted.indexOf(quote, 1) !== quoted.length - 1) return undefined;
  const [name = '', ...words] = quoted.slice(1, -1).trim().split(/\s+/, DATA_WORDS_MAX);
  if (/^\d+$/.test(words[0] ?? '')) words.shift();
  if (words[0]?.toUpperCase() === 'IN') words.shift();
  const [type = '', value] = words;
  return value === undefined ? undefined : { name, type: type.toUpperCase(), value };
}

function withoutComment(line: string): string {
  const text = line.trim();
  const hash = text.search(/(?:^|\s)#/);
  return hash < 0 ? text : text.slice(0, hash).trimEnd();
}
