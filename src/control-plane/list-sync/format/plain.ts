/**
 * Plain lists: one domain name a line, "#", "!", ";" and "//" comments, `*.name` and `.name` alike, now and then a port
 * or a URL. Bare names block their subtree.
 */
import type { EntrySink, LineParser, ListEntry, ListFormat, ParserOptions } from './list-format.ts';
import { matchingShare } from './matching-share.ts';
import { normaliseName } from './normalise-name.ts';
import { stripComment } from './strip-comment.ts';

const COMMENT_MARKS = '#!;';
/** So that a file of nothing is 0.1 of a plain list: an empty one, and no other format's. */
const EMPTY_SHARE = 1 / 9;
/** An Adblock rule about elements of a page, which must not become a block of the site. */
const ELEMENT_RULE = /#[@$?%]*#/;

export const plainFormat: ListFormat = {
  name: 'plain',
  description: 'one domain name a line',
  detect: (firstLines) =>
    0.9 *
    matchingShare(
      firstLines,
      (line) => stripComment(line, COMMENT_MARKS),
      (word) => /^[^\s/,:|^$=]+$/.test(word) && normaliseName(word).kind === 'name',
      EMPTY_SHARE,
    ),
  createParser: (sink, options) => new PlainParser(sink, options),
  write: {
    header: (listName) => `# ${listName}\n`,
    entry: (entry: ListEntry) => (entry.kind === 'block' && entry.scope === 'subtree' ? `${entry.name}\n` : ''),
    footer: () => '',
  },
};

class PlainParser implements LineParser {
  readonly #sink: EntrySink;
  readonly #options: ParserOptions;

  constructor(sink: EntrySink, options: ParserOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  line(text: string, lineNumber: number): void {
    const word = stripComment(text, COMMENT_MARKS);
    if (word === '') return;
    const result = normaliseName(word);
    // Why: a name that is as long as its line is nothing but a name (a million of them: 0.1 s saved).
    if (result.kind === 'name' && result.name.length === word.length && !result.hasPath) {
      this.#sink.entry({ name: result.name, scope: 'subtree', kind: 'block' }, lineNumber);
    } else if (ELEMENT_RULE.test(word) && !word.includes('://')) {
      this.#sink.skipped('unsupportedRule', lineNumber, text);
    } else if (/\s/.test(word)) {
      this.#sink.skipped('syntax', lineNumber, text);
    } else if (result.kind === 'skip') {
      this.#sink.skipped(result.reason, lineNumber, text);
    } else if (result.hasPath && this.#options.isSharedHost(result.name)) {
      this.#sink.skipped('urlWithPathOnSharedHost', lineNumber, text);
    } else {
      this.#sink.entry({ name: result.name, scope: 'subtree', kind: 'block' }, lineNumber);
    }
  }

  end(): void {}
}
