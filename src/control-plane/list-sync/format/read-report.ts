/**
 * What reading a list came to: counts, the skipped lines by reason with the first few of each located and shown, and
 * the ways in which a file can be refused whole. The report crosses threads and is stored with the list: plain data.
 */
import { BAD_LINE_REASONS, type EntrySink, type ListEntry, type SkipReason } from './list-format.ts';

const SAMPLES_A_REASON_MAX = 10;
export const WARNINGS_MAX = 20;
const SAMPLE_TEXT_MAX = 160;

export interface LineSample {
  readonly lineNumber: number;
  /** Clipped and made printable. */
  readonly text: string;
}

export interface ReadReport {
  readonly format: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Of the source as it was given (compressed if it was). */
  readonly bytes: number;
  readonly sha256: string;
  readonly lines: number;
  readonly entries: number;
  readonly exceptions: number;
  readonly skippedByReason: Readonly<Partial<Record<SkipReason, number>>>;
  readonly samples: Readonly<Partial<Record<SkipReason, readonly LineSample[]>>>;
  readonly warnings: readonly LineSample[];
  readonly warningCount: number;
  /** Of the lines that should have been entries, how many are wrong. Units: percent. */
  readonly badLinesPercent: number;
}

/** Why a whole file gives nothing. A closed set: `weir_list_sync_failures_total` has it as its reason. */
export const REFUSAL_CODES = [
  'unreadable',
  'empty',
  'tooLarge',
  'truncated',
  'corrupt',
  'unsupportedCompression',
  'binary',
  'html',
  'unknownFormat',
  'nothingUsable',
  'tooManyBadLines',
  'tooManyEntries',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type ReadOutcome =
  | { readonly kind: 'read'; readonly report: ReadReport }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      /** A sentence for people. */
      readonly message: string;
      readonly report: ReadReport | undefined;
    };

/** Stands between a parser and the caller's sink, and counts what passes. */
export class CountingSink implements EntrySink {
  entries = 0;
  exceptions = 0;
  badLines = 0;
  warningCount = 0;
  readonly skippedByReason: Partial<Record<SkipReason, number>> = {};
  readonly samples: Partial<Record<SkipReason, LineSample[]>> = {};
  readonly warnings: LineSample[] = [];
  readonly #target: Partial<EntrySink>;

  constructor(target: Partial<EntrySink>) {
    this.#target = target;
  }

  entry(entry: ListEntry, lineNumber: number): void {
    this.entries++;
    if (entry.kind === 'exception') this.exceptions++;
    this.#target.entry?.(entry, lineNumber);
  }

  skipped(reason: SkipReason, lineNumber: number, text: string): void {
    this.skippedByReason[reason] = (this.skippedByReason[reason] ?? 0) + 1;
    if (BAD_LINE_REASONS.has(reason)) this.badLines++;
    const samples = (this.samples[reason] ??= []);
    if (samples.length < SAMPLES_A_REASON_MAX) samples.push({ lineNumber, text: printable(text) });
    this.#target.skipped?.(reason, lineNumber, text);
  }

  warning(text: string, lineNumber: number): void {
    this.warningCount++;
    if (this.warnings.length < WARNINGS_MAX) this.warnings.push({ lineNumber, text: printable(text) });
    this.#target.warning?.(text, lineNumber);
  }

  get badLinesPercent(): number {
    const total = this.entries + this.badLines;
    return total === 0 ? 0 : (100 * this.badLines) / total;
  }
}

/** Text from a hostile file as one line that no terminal obeys. */
export function printable(text: string): string {
  const clipped = text.length > SAMPLE_TEXT_MAX ? `${text.slice(0, SAMPLE_TEXT_MAX)}…` : text;
  return clipped.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
