/**
 * Response policy zones as master files: the owner (relative to the zone) is the name, `*.name` what is below it, and the
 * CNAME target the action. Nothing, NODATA, drop and an address that leads nowhere are blocks, rpz-passthru an exception;
 * redirections elsewhere and triggers other than the asked name are counted, not guessed at. `name` followed by
 * `*.name` is one subtree entry; `*.name` alone is taken for the subtree too, for Weir has no scope "only below".
 */
import type { EntrySink, LineParser, ListEntry, ListFormat } from './list-format.ts';
import { normaliseName } from './normalise-name.ts';
import { isSinkAddress } from './sink-address.ts';

const TTL_OR_CLASS = /^(?:\d+[smhdw]?|IN)$/i;
const RECORD_WORDS_MAX = 20;
const RECORD_TYPES = /^(?:CNAME|A|AAAA|SOA|NS|TXT|DNAME|MX|SRV|HTTPS|SVCB|PTR|LOC|CAA|TYPE\d+)$/;
const OTHER_TRIGGER = /(?:^|\.)rpz-(?:ip|client-ip|nsdname|nsip)$/;
const BLOCK_TARGETS = new Set(['.', '*.', 'rpz-drop.', 'rpz-drop']);
const PASSTHRU_TARGETS = new Set(['rpz-passthru.', 'rpz-passthru']);

export const rpzFormat: ListFormat = {
  name: 'rpz',
  description: 'response policy zone file',
  detect(firstLines) {
    let matching = 0;
    let lines = 0;
    for (const line of firstLines) {
      const text = withoutComment(line);
      if (text.trim() === '') continue;
      lines++;
      if (/^\$(?:TTL|ORIGIN)\b/i.test(text)) return 1;
      const record = recordOf(text);
      if (RECORD_TYPES.test(record.type) && record.data !== '') matching++;
    }
    return lines === 0 ? 0 : matching / lines;
  },
  createParser: (sink) => new RpzParser(sink),
  write: {
    header: (listName) =>
      `; ${listName}\n$TTL 300\n@ IN SOA localhost. root.localhost. (1 43200 3600 259200 300)\n@ IN NS localhost.\n`,
    entry: writeEntry,
    footer: () => '',
  },
};

function writeEntry(entry: ListEntry): string {
  const target = entry.kind === 'block' ? '.' : 'rpz-passthru.';
  if (entry.name === '.') return entry.scope === 'subtree' ? `* CNAME ${target}\n` : '';
  const below = entry.scope === 'subtree' ? `*.${entry.name} CNAME ${target}\n` : '';
  return `${entry.name} CNAME ${target}\n${below}`;
}

interface PendingEntry {
  readonly entry: ListEntry;
  readonly lineNumber: number;
}

class RpzParser implements LineParser {
  readonly #sink: EntrySink;
  /** The zone's own name without its trailing dot: the SOA's owner, or the first $ORIGIN; '' while unknown. */
  #zone = '';
  #hasSoa = false;
  /** What relative names are relative to, without its trailing dot; undefined while none is given: the zone. */
  #origin: string | undefined;
  /** Absolute as far as the origin is known, without its trailing dot; "." for the root. */
  #owner = '';
  #openParentheses = 0;
  /** An exact entry that the next record may widen to its subtree. */
  #pending: PendingEntry | undefined;

  constructor(sink: EntrySink) {
    this.#sink = sink;
  }

  line(line: string, lineNumber: number): void {
    const text = withoutComment(line);
    if (text.trim() === '') return;
    const wasOpen = this.#openParentheses > 0;
    this.#openParentheses = Math.max(0, this.#openParentheses + count(text, '(') - count(text, ')'));
    if (wasOpen) return;
    if (text.startsWith('$')) {
      const origin = /^\$ORIGIN\s+(\S+)/i.exec(text);
      if (origin !== null) this.#setOrigin(origin[1] ?? '');
      else if (!/^\$TTL\s/i.test(text)) this.#sink.skipped('unsupportedRule', lineNumber, line);
      return;
    }
    const { owner, type, data } = recordOf(text);
    if (!RECORD_TYPES.test(type)) {
      this.#sink.skipped('syntax', lineNumber, line);
      return;
    }
    if (owner !== '') this.#owner = this.#absolute(owner);
    this.#record(type, data, lineNumber, line);
  }

  end(): void {
    this.#flush();
  }

  #record(type: string, data: string, lineNumber: number, line: string): void {
    if (type === 'SOA' || type === 'NS') {
      if (type === 'SOA') this.#setZone(this.#owner);
      return;
    }
    const owner = this.#relativeOwner();
    if (OTHER_TRIGGER.test(owner.toLowerCase())) {
      this.#sink.skipped(/rpz-(?:client-)?ip$/i.test(owner) ? 'ipAddress' : 'unsupportedRule', lineNumber, line);
      return;
    }
    const kind = kindOf(type, data, owner);
    if (kind === undefined || owner === '@') {
      this.#sink.skipped('unsupportedRule', lineNumber, line);
      return;
    }
    const result = normaliseName(owner);
    if (result.kind === 'skip') this.#sink.skipped(result.reason, lineNumber, line);
    else if (result.hasPath || owner.includes('\\')) this.#sink.skipped('syntax', lineNumber, line);
    else this.#entry(result.name, owner.startsWith('*'), kind, lineNumber);
  }

  #entry(name: string, isBelow: boolean, kind: ListEntry['kind'], lineNumber: number): void {
    const pending = this.#pending;
    const repeats = pending?.entry.name === name && pending.entry.kind === kind;
    if (isBelow) {
      if (repeats) this.#pending = undefined;
      this.#flush();
      this.#sink.entry({ name, scope: 'subtree', kind }, repeats ? pending.lineNumber : lineNumber);
    } else if (!repeats) {
      this.#flush();
      this.#pending = { entry: { name, scope: 'exact', kind }, lineNumber };
    }
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.#sink.entry(pending.entry, pending.lineNumber);
  }

  #setZone(name: string): void {
    this.#zone = name.toLowerCase();
    this.#hasSoa = name !== '';
  }

  /** Why the zone follows where there is no SOA: then nothing else says which part of an owner is the zone's name. */
  #setOrigin(name: string): void {
    const origin = this.#absolute(name);
    this.#origin = origin === '.' ? '' : origin;
    if (!this.#hasSoa && !isWithin(origin.toLowerCase(), this.#zone)) this.#zone = this.#origin.toLowerCase();
  }

  #absolute(name: string): string {
    const origin = this.#origin ?? this.#zone;
    if (name === '@') return origin;
    if (name === '.') return name;
    if (name.endsWith('.')) return name.slice(0, -1);
    return origin === '' ? name : `${name}.${origin}`;
  }

  /** What is left of the owner without the zone's name: `@` for the zone itself. */
  #relativeOwner(): string {
    const owner = this.#owner;
    if (owner === '' || owner.toLowerCase() === this.#zone) return '@';
    return isWithin(owner.toLowerCase(), this.#zone) ? owner.slice(0, -1 - this.#zone.length) : owner;
  }
}

function isWithin(name: string, zone: string): boolean {
  return zone !== '' && name.endsWith(`.${zone}`);
}

interface ZoneRecord {
  /** '' where the line begins with white space: the owner above it. */
  readonly owner: string;
  readonly type: string;
  readonly data: string;
}

function recordOf(text: string): ZoneRecord {
  const [owner = '', ...words] = text.trimEnd().split(/\s+/, RECORD_WORDS_MAX);
  for (let index = 0; index < 2 && TTL_OR_CLASS.test(words[0] ?? ''); index++) words.shift();
  const [type = '', ...data] = words;
  return { owner, type: type.toUpperCase(), data: data.join(' ') };
}

function kindOf(type: string, data: string, owner: string): ListEntry['kind'] | undefined {
  const target = data.toLowerCase();
  if (type === 'A' || type === 'AAAA') return isSinkAddress(target) ? 'block' : undefined;
  if (type !== 'CNAME') return undefined;
  if (BLOCK_TARGETS.has(target)) return 'block';
  // The name itself as the target is how the first drafts of RPZ wrote rpz-passthru.
  if (PASSTHRU_TARGETS.has(target) || withoutDot(target) === owner.toLowerCase()) return 'exception';
  return undefined;
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function withoutComment(line: string): string {
  const semicolon = line.indexOf(';');
  return semicolon < 0 ? line : line.slice(0, semicolon);
}

function count(text: string, char: string): number {
  return text.includes(char) ? text.split(char).length - 1 : 0;
}
