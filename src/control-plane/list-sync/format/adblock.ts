/**
 * Adblock lists (Adblock Plus, AdGuard, uBlock): of their rules a resolver can take the ones about a whole host:
 * `||name^` blocks name and what is below it, `|name^` the name alone, `@@||name^` lifts this list's own entries. Rules
 * about pages, paths, requests or elements are counted as unsupportedRule, never guessed at; a rule that a modifier
 * narrows to some sites or clients is one of them.
 */
import type { EntrySink, LineParser, ListEntry, ListFormat } from './list-format.ts';
import { normaliseName } from './normalise-name.ts';

/** Modifiers that leave a host rule a rule about the host. */
const HARMLESS_MODIFIERS = new Set(['all', 'document', 'doc', 'important', 'popup', 'dnsrewrite=nxdomain;;']);
const COSMETIC = /#[@$?%]*#|\$\$|#@?%#/;

export const adblockFormat: ListFormat = {
  name: 'adblock',
  description: 'Adblock rules: ||name^ and @@||name^',
  detect(firstLines) {
    let matching = 0;
    let lines = 0;
    for (const line of firstLines) {
      const text = line.trim();
      if (/^\[adblock/i.test(text)) return 1;
      if (text === '' || text.startsWith('!') || text.startsWith('#')) continue;
      lines++;
      if (/^(?:@@)?\|\|?[^|\s]+/.test(text)) matching++;
    }
    return lines === 0 ? 0 : matching / lines;
  },
  createParser: (sink) => new AdblockParser(sink),
  write: {
    header: (listName) => `[Adblock Plus]\n! Title: ${listName}\n`,
    entry: writeEntry,
    footer: () => '',
  },
};

function writeEntry(entry: ListEntry): string {
  return `${entry.kind === 'exception' ? '@@' : ''}${entry.scope === 'subtree' ? '||' : '|'}${entry.name}^\n`;
}

class AdblockParser implements LineParser {
  readonly #sink: EntrySink;

  constructor(sink: EntrySink) {
    this.#sink = sink;
  }

  line(line: string, lineNumber: number): void {
    const text = line.trim();
    if (text === '' || text.startsWith('!') || text.startsWith('[') || /^#(?![#@$?%])/.test(text)) return;
    if (COSMETIC.test(text)) {
      this.#sink.skipped('unsupportedRule', lineNumber, line);
      return;
    }
    const isException = text.startsWith('@@');
    let rule = isException ? text.slice(2) : text;
    const dollar = rule.indexOf('$');
    if (dollar >= 0) {
      if (!modifiersAreHarmless(rule.slice(dollar + 1))) {
        this.#sink.skipped('unsupportedRule', lineNumber, line);
        return;
      }
      rule = rule.slice(0, dollar);
    }
    this.#rule(rule, isException ? 'exception' : 'block', lineNumber, line);
  }

  #rule(rule: string, kind: ListEntry['kind'], lineNumber: number, line: string): void {
    const match = /^(\|\|?)(.*?)(\^\|?|\|)?$/s.exec(rule);
    // A bare name among Adblock rules is a DNS filter's rule for that name.
    const host = match?.[2] ?? rule.replace(/\^$/, '');
    const anchor = match?.[1] ?? '';
    if (/[/?=&^|]|:\/\/|^\./.test(host) || (match === null && !isBareName(host))) {
      this.#sink.skipped('unsupportedRule', lineNumber, line);
      return;
    }
    // Why: without an end anchor "||name." or "||nam" matches the beginning of longer names.
    if (match !== null && match[3] === undefined && (host.endsWith('.') || !host.includes('.'))) {
      this.#sink.skipped('unsupportedRule', lineNumber, line);
      return;
    }
    const result = normaliseName(host);
    if (result.kind === 'skip') {
      const isPattern = result.reason === 'wildcardInside' || match === null;
      this.#sink.skipped(isPattern ? 'unsupportedRule' : result.reason, lineNumber, line);
      return;
    }
    this.#sink.entry({ name: result.name, scope: anchor === '|' ? 'exact' : 'subtree', kind }, lineNumber);
  }

  end(): void {}
}

function isBareName(host: string): boolean {
  return !/[\s*]/.test(host) && host.indexOf('.') > 0;
}

function modifiersAreHarmless(text: string): boolean {
  const modifiers = text.split(',').map((modifier) => modifier.trim().toLowerCase());
  // Why the last part: "popup" alone means that the site may still be visited.
  return modifiers.every((modifier) => HARMLESS_MODIFIERS.has(modifier)) && text.trim().toLowerCase() !== 'popup';
}
