/**
 * Hosts files used as block lists: an address that leads nowhere, then one or more names. An address that leads
 * somewhere is a redirection and no block. Names that every hosts file carries (localhost and its like) are no blocks
 * either. A listed name blocks its subtree, as in every format that does not say otherwise.
 */
import { isIP } from 'node:net';
import type { EntrySink, LineParser, ListFormat } from './list-format.ts';
import { matchingShare } from './matching-share.ts';
import { normaliseName } from './normalise-name.ts';
import { isSinkAddress } from './sink-address.ts';
import { stripComment } from './strip-comment.ts';

const COMMENT_MARKS = '#!;';
const NAMES_A_LINE_MAX = 256;
const LOCAL_NAMES = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost6',
  'localhost6.localdomain6',
  'local',
  'broadcasthost',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
]);

export const hostsFormat: ListFormat = {
  name: 'hosts',
  description: 'a hosts file: 0.0.0.0 and the name',
  detect: (firstLines) =>
    0.95 * matchingShare(firstLines, (line) => stripComment(line, COMMENT_MARKS), startsWithAddress),
  createParser: (sink) => new HostsParser(sink),
  write: {
    header: (listName) => `# ${listName}\n`,
    entry: (entry) => (entry.kind === 'block' && entry.scope === 'subtree' ? `0.0.0.0 ${entry.name}\n` : ''),
    footer: () => '',
  },
};

function startsWithAddress(text: string): boolean {
  const [address, name] = text.split(/\s+/, 2);
  return name !== undefined && isIP(address ?? '') !== 0;
}

class HostsParser implements LineParser {
  readonly #sink: EntrySink;

  constructor(sink: EntrySink) {
    this.#sink = sink;
  }

  line(text: string, lineNumber: number): void {
    const stripped = stripComment(text, COMMENT_MARKS);
    if (stripped === '') return;
    const words = stripped.split(/\s+/, NAMES_A_LINE_MAX + 1);
    const address = words[0] ?? '';
    if (words.length < 2 || words.length > NAMES_A_LINE_MAX + 1 || (isIP(address) === 0 && address !== '0')) {
      this.#sink.skipped('syntax', lineNumber, text);
      return;
    }
    if (!isSinkAddress(address)) {
      this.#sink.skipped('notABlock', lineNumber, text);
      return;
    }
    for (let index = 1; index < words.length; index++) this.#name(words[index] ?? '', lineNumber, text);
  }

  #name(word: string, lineNumber: number, text: string): void {
    const glued = word.indexOf('#');
    const result = normaliseName(glued < 0 ? word : word.slice(0, glued));
    if (result.kind === 'skip') this.#sink.skipped(result.reason, lineNumber, text);
    else if (LOCAL_NAMES.has(result.name)) this.#sink.skipped('notABlock', lineNumber, text);
    // Why: a hosts file has no paths; "0.0.0.0 site/page" meant the page, and nobody knows whose the rest is.
    else if (result.hasPath) this.#sink.skipped('syntax', lineNumber, text);
    else this.#sink.entry({ name: result.name, scope: 'subtree', kind: 'block' }, lineNumber);
  }

  end(): void {}
}
