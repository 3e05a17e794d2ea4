/**
 * URL lists: one URL a line, with or without a scheme; its host is the entry. A URL with a path on a host that
 * unrelated people share accuses one page of it, so it is counted and not made a block of them all.
 */
import type { EntrySink, LineParser, ListFormat, ParserOptions } from './list-format.ts';
import { matchingShare } from './matching-share.ts';
import { normaliseName } from './normalise-name.ts';
import { stripComment } from './strip-comment.ts';

const COMMENT_MARKS = '#!;';
const SCHEME = /^(?:[a-z][a-z\d+.-]*|\*):\/\//i;

export const urlListFormat: ListFormat = {
  name: 'url-list',
  description: 'one URL a line; the host is blocked',
  detect: (firstLines) =>
    0.95 *
    matchingShare(
      firstLines,
      (line) => stripComment(line, COMMENT_MARKS),
      (text) => looksLikeUrl(text) && normaliseName(text).kind === 'name',
    ),
  createParser: (sink, options) => new UrlListParser(sink, options),
  write: {
    header: (listName) => `# ${listName}\n`,
    entry: (entry) =>
      entry.kind === 'block' && entry.scope === 'subtree' && entry.name !== '.' ? `http://${entry.name}/\n` : '',
    footer: () => '',
  },
};

function looksLikeUrl(text: string): boolean {
  if (/\s/.test(text)) return false;
  if (SCHEME.test(text)) return true;
  const slash = text.indexOf('/');
  return slash > 0 && !/[|@,]/.test(text.slice(0, slash)) && text.lastIndexOf('.', slash) > 0;
}

class UrlListParser implements LineParser {
  readonly #sink: EntrySink;
  readonly #options: ParserOptions;
  #last = '';

  constructor(sink: EntrySink, options: ParserOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  line(text: string, lineNumber: number): void {
    const url = stripComment(text, COMMENT_MARKS);
    if (url === '') return;
    const result = normaliseName(url);
    if (result.kind === 'skip') {
      this.#sink.skipped(result.reason, lineNumber, text);
    } else if (result.hasPath && this.#options.isSharedHost(result.name)) {
      this.#sink.skipped('urlWithPathOnSharedHost', lineNumber, text);
    } else if (result.name !== this.#last) {
      // Why the condition: such lists are sorted, with many pages of one host in a row.
      this.#last = result.name;
      this.#sink.entry({ name: result.name, scope: 'subtree', kind: 'block' }, lineNumber);
    }
  }

  end(): void {}
}
