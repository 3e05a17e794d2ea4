/**
 * dnsmasq configuration as block lists use it: `address=/name/`, `address=/name/0.0.0.0`, `local=/name/`, `server=/name/`;
 * several names may stand between the slashes. `server=/name/1.2.3.4` is forwarding and an address that leads somewhere a
 * redirection: neither is a block. `server=/name/#` (ask the ordinary servers) lifts what a shorter name blocks.
 * smartdns writes the same with a space for the equals sign.
 */
import type { EntrySink, LineParser, ListEntry, ListFormat } from './list-format.ts';
import { matchingShare } from './matching-share.ts';
import { normaliseName } from './normalise-name.ts';
import { isSinkAddress } from './sink-address.ts';
import { stripComment } from './strip-comment.ts';

const COMMENT_MARKS = '#;';
const NAMES_A_LINE_MAX = 1000;
const RULE = /^(?:--)?(address|local|server)(?:\s*=\s*|\s+)\/(.*)\/([^/]*)$/;
const OPTION = /^(?:--)?[a-z][a-z\d-]*\s*=/;

export const dnsmasqFormat: ListFormat = {
  name: 'dnsmasq',
  description: 'dnsmasq: address=/name/, local=/name/, server=/name/',
  detect: (firstLines) =>
    matchingShare(
      firstLines,
      (line) => stripComment(line, COMMENT_MARKS),
      (text) => RULE.test(text),
    ),
  createParser: (sink) => new DnsmasqParser(sink),
  write: {
    header: (listName) => `# ${listName}\n`,
    entry: writeEntry,
    footer: () => '',
  },
};

function writeEntry(entry: ListEntry): string {
  if (entry.scope === 'exact') return '';
  const name = entry.name === '.' ? '#' : entry.name;
  return entry.kind === 'block' ? `local=/${name}/\n` : `server=/${name}/#\n`;
}

class DnsmasqParser implements LineParser {
  readonly #sink: EntrySink;

  constructor(sink: EntrySink) {
    this.#sink = sink;
  }

  line(text: string, lineNumber: number): void {
    const stripped = stripComment(text, COMMENT_MARKS);
    if (stripped === '') return;
    const rule = RULE.exec(stripped);
    if (rule === null) {
      this.#sink.skipped(OPTION.test(stripped) ? 'notABlock' : 'syntax', lineNumber, text);
      return;
    }
    const kind = kindOf(rule[1] ?? '', rule[3] ?? '');
    if (kind === undefined) {
      this.#sink.skipped('notABlock', lineNumber, text);
      return;
    }
    for (const word of (rule[2] ?? '').split('/', NAMES_A_LINE_MAX)) this.#name(word, kind, lineNumber, text);
  }

  #name(word: string, kind: ListEntry['kind'], lineNumber: number, text: string): void {
    // Nothing between the slashes stands for names without a dot, which no list means to block.
    if (word === '') {
      this.#sink.skipped('notABlock', lineNumber, text);
      return;
    }
    const result = normaliseName(word === '#' ? '.' : word);
    if (result.kind === 'skip') this.#sink.skipped(result.reason, lineNumber, text);
    else if (result.hasPath) this.#sink.skipped('syntax', lineNumber, text);
    else this.#sink.entry({ name: result.name, scope: 'subtree', kind }, lineNumber);
  }

  end(): void {}
}

function kindOf(option: string, target: string): ListEntry['kind'] | undefined {
  if (target === '') return 'block';
  if (option === 'address') {
    if (target === '-') return 'exception';
    return target === '#' || isSinkAddress(target) ? 'block' : undefined;
  }
  return target === '#' ? 'exception' : undefined;
}
