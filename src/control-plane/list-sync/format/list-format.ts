/**
 * The one interface of every list format. A parser is fed lines (already decoded, decompressed, without line ends) and
 * tells a sink what it found; it keeps no entry. Adding a format: a file here that exports a ListFormat, and one line in
 * formats.ts; the contract suite in test/unit/control-plane/list-sync/format runs over every row of that table.
 */
import type { Category } from '../../../policy/category.ts';

export interface ListEntry {
  /** A-label presentation form, lower case, no trailing dot. */
  readonly name: string;
  readonly scope: 'exact' | 'subtree';
  /** block, or an exception that lifts this list's own entries at and below the name. */
  readonly kind: 'block' | 'exception';
  /** Undefined: the list's default. */
  readonly category?: Category;
  /** Seconds since 1970. */
  readonly expiresAtSeconds?: number;
  /** Of the ledger: where it is more than a plain entry. */
  readonly staging?: EntryStaging;
  /** What the index does not need but people do. */
  readonly provenance?: EntryProvenance;
}

export interface EntryStaging {
  /** Counted, never blocked. */
  readonly isShadow: boolean;
  /** A person has let it through: the guard does not hold it. */
  readonly isApproved: boolean;
  /** Of the rollout that stages it; 0: in force for everyone. 0..255. */
  readonly rolloutSlot: number;
}

export interface EntryProvenance {
  readonly authority?: string;
  readonly reference?: string;
  readonly addedAt?: string;
  readonly note?: string;
  /** The category word as written, where it is not one of ours. */
  readonly categoryWord?: string;
}

/** Why a line gave no entry. A closed set: it is a metric label. `notABlock` lines are legal and do not count as bad. */
export const SKIP_REASONS = [
  'syntax',
  'notAName',
  'nameTooLong',
  'labelTooLong',
  'ipAddress',
  'wildcardInside',
  'notABlock',
  'unsupportedRule',
  'urlWithPathOnSharedHost',
  'lineTooLong',
  'binary',
  'tooManyEntries',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** The reasons that say a line is wrong, rather than right but of no use to DNS: they count towards `badLinesPercentMax`. */
export const BAD_LINE_REASONS: ReadonlySet<SkipReason> = new Set<SkipReason>([
  'syntax',
  'notAName',
  'nameTooLong',
  'labelTooLong',
  'wildcardInside',
  'lineTooLong',
  'binary',
]);

export interface EntrySink {
  entry(entry: ListEntry, lineNumber: number): void;
  skipped(reason: SkipReason, lineNumber: number, text: string): void;
  /** Found something odd that was understood all the same, e.g. an unknown category word. */
  warning(text: string, lineNumber: number): void;
}

/** What a parser may ask the reader about. */
export interface ParserOptions {
  /** Does one name serve many unrelated owners, so that a URL on it says nothing about the rest of it? */
  readonly isSharedHost: (name: string) => boolean;
}

export interface LineParser {
  line(text: string, lineNumber: number): void;
  /** A parser that has this gets the text in pieces of any size instead of lines (a JSON document may be one line). */
  text?(piece: string): void;
  /** With `text`: how many lines it has seen. */
  lineCount?(): number;
  /** End of input. A format whose document is one whole throws ListRefusal here if it ends in the middle. */
  end(): void;
}

export interface ListFormat {
  readonly name: string;
  /** One line for --help and the README. */
  readonly description: string;
  /** 0..1: how sure the first lines (up to 200, blank and comment lines included) make us; the highest wins. */
  readonly detect: (firstLines: readonly string[]) => number;
  readonly createParser: (sink: EntrySink, options: ParserOptions) => LineParser;
  /** The writer for `weir list convert`. */
  readonly write: {
    readonly header: (listName: string) => string;
    /** One entry as lines with their line ends; '' where the format cannot say it (the converter counts and reports those). */
    readonly entry: (entry: ListEntry) => string;
    readonly footer: () => string;
  };
}
