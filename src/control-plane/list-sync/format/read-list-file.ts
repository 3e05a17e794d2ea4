/**
 * Reads a list of any format from a file or a stream: bytes -> decompressed -> text -> lines -> parser -> sink, a piece
 * at a time, so that memory does not follow the size of the list. What comes out is a report or a refusal with its
 * reason, never an exception. The sink may have got entries of a list that is refused in the end: throw them away then.
 */
import { TextDecoder } from 'node:util';
import { progressed } from '../compile-progress.ts';
import { LineSplitter } from './line-splitter.ts';
import { isPathHost } from '../guard/path-hosts.ts';
import { isPublicSuffix } from '../guard/public-suffix.ts';
import { ListBytes } from './list-bytes.ts';
import { ListRefusal } from './list-refusal.ts';
import type { EntrySink, LineParser, ListFormat, ParserOptions } from './list-format.ts';
import { FORMATS, formatNamed } from './formats.ts';
import { CountingSink, printable, type ReadOutcome, type ReadReport, type RefusalCode } from './read-report.ts';

const LIST_BYTES_MAX = 256 * 1024 * 1024;
export const DECOMPRESSED_BYTES_MAX = 1024 * 1024 * 1024;
export const LINE_CHARS_MAX = 64 * 1024;
export const ENTRIES_MAX = 20_000_000;
const DETECTION_TEXT_CHARS = 64 * 1024;
const DETECTION_LINES_MAX = 200;
/** Below this no format is sure enough of itself to be believed. */
const DETECTION_SCORE_MIN = 0.2;
/** Control characters and undecodable bytes beyond this share make a file binary. */
const BINARY_SHARE_MIN = 0.1;

export interface ReadListOptions {
  /** A name in formats.ts, or 'auto'. */
  readonly format: string;
  readonly bytesMax?: number;
  readonly decompressedBytesMax?: number;
  readonly lineCharsMax?: number;
  readonly entriesMax?: number;
  /** Refuse a list with more wrong lines. Undefined: report them only. */
  readonly badLinesPercentMax?: number;
  /** An empty file is fine (local allow lists). */
  readonly allowEmpty?: boolean;
  /** Default: public suffixes and hosts whose pages are told apart by the path; a guard's own knows the operator's too. */
  readonly isSharedHost?: (name: string) => boolean;
}

/** Reads a list into a sink. Errors: none; see ReadOutcome. */
export async function readListFile(
  source: string | AsyncIterable<Uint8Array>,
  options: ReadListOptions,
  sink: Partial<EntrySink>,
): Promise<ReadOutcome> {
  const bytes = new ListBytes(source, {
    bytesMax: options.bytesMax ?? LIST_BYTES_MAX,
    decompressedBytesMax: options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX,
  });
  const reading = new Reading(options, new CountingSink(sink));
  try {
    for await (const chunk of bytes.chunks()) {
      reading.push(chunk);
      progressed();
    }
    reading.end();
  } catch (error) {
    if (!(error instanceof ListRefusal)) throw error;
    return { kind: 'refused', code: error.code, message: error.message, report: undefined };
  }
  const report = reading.report(bytes);
  const refusal = refusalOf(report, options);
  return refusal === undefined ? { kind: 'read', report } : { kind: 'refused', ...refusal, report };
}

/** One read of one list: text decoding, detection from the first lines, then lines to the parser. */
class Reading {
  readonly #options: ReadListOptions;
  readonly #sink: CountingSink;
  #decoder: TextDecoder | undefined;
  #head = '';
  #format: ListFormat | undefined;
  #parser: LineParser | undefined;
  #splitter: LineSplitter | undefined;

  constructor(options: ReadListOptions, sink: CountingSink) {
    this.#options = options;
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    this.#decoder ??= decoderFor(chunk);
    this.#text(this.#decoder.decode(chunk, { stream: true }));
  }

  end(): void {
    this.#text(this.#decoder?.decode() ?? '');
    if (this.#parser === undefined) this.#begin();
    this.#splitter?.end();
    this.#parser?.end();
  }

  report(bytes: ListBytes): ReadReport {
    const { entries, exceptions, skippedByReason, samples, warnings, warningCount, badLinesPercent } = this.#sink;
    return {
      format: this.#format?.name ?? '',
      compression: bytes.compression,
      bytes: bytes.bytes,
      sha256: bytes.sha256(),
      lines: this.#parser?.lineCount?.() ?? this.#splitter?.lineNumber ?? 0,
      entries,
      exceptions,
      skippedByReason,
      samples,
      warnings,
      warningCount,
      badLinesPercent,
    };
  }

  #text(text: string): void {
    if (this.#parser === undefined) {
      this.#head += text;
      if (this.#head.length >= DETECTION_TEXT_CHARS) this.#begin();
      return;
    }
    this.#feed(text);
  }

  #feed(text: string): void {
    const parser = this.#parser;
    if (parser?.text === undefined) this.#splitter?.push(text);
    else parser.text(text);
    const entriesMax = this.#options.entriesMax ?? ENTRIES_MAX;
    if (this.#sink.entries > entriesMax) {
      throw new ListRefusal('tooManyEntries', `it has over ${entriesMax} entries`);
    }
  }

  #begin(): void {
    const head = this.#head;
    this.#head = '';
    refuseWhatIsNoList(head, this.#options.allowEmpty === true);
    this.#format = this.#options.format === 'auto' ? detectFormat(head) : formatNamed(this.#options.format);
    if (this.#format === undefined) {
      throw new ListRefusal('unknownFormat', `there is no list format "${printable(this.#options.format)}"`);
    }
    const options: ParserOptions = { isSharedHost: this.#options.isSharedHost ?? isSharedByMany };
    this.#parser = this.#format.createParser(this.#sink, options);
    this.#splitter = new LineSplitter(this.#parser, this.#sink, this.#options.lineCharsMax ?? LINE_CHARS_MAX);
    this.#feed(head);
  }
}

/** The format that is surest of a text's first lines; plain, whose reader says what is wrong with each, if none is. */
export function detectFormat(text: string): ListFormat | undefined {
  const lines = text.slice(0, DETECTION_TEXT_CHARS).split(/\r?\n/, DETECTION_LINES_MAX);
  let best: ListFormat | undefined;
  let bestScore = DETECTION_SCORE_MIN;
  for (const format of FORMATS) {
    const score = format.detect(lines);
    if (score > bestScore) {
      best = format;
      bestScore = score;
    }
  }
  return best ?? formatNamed('plain');
}

function refuseWhatIsNoList(head: string, allowEmpty: boolean): void {
  const text = head.slice(0, 8192);
  if (text.trim() === '' && head.trim() === '') {
    if (!allowEmpty) throw new ListRefusal('empty', 'it is empty');
    return;
  }
  if (/^\s*<(?:!doctype|html|head|body|\?xml|!--|script|meta)\b/i.test(text) || /^\s*<!--/.test(text)) {
    throw new ListRefusal('html', 'it is a web page, not a list (a login or error page was saved in its place?)');
  }
  // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
  const odd = text.match(/[\u0000-\u0008\u000b\u000e-\u001f\ufffd]/g)?.length ?? 0;
  if (odd > text.length * BINARY_SHARE_MIN) throw new ListRefusal('binary', 'it is binary data, not text');
}

function refusalOf(report: ReadReport, options: ReadListOptions): { code: RefusalCode; message: string } | undefined {
  const first = Object.entries(report.samples)
    .map(([reason, samples]) => ({ reason, sample: samples?.[0] }))
    .find(({ reason }) => reason !== 'notABlock');
  const shown =
    first?.sample === undefined ? '' : `; line ${first.sample.lineNumber} (${first.reason}): ${first.sample.text}`;
  if (report.entries === 0 && report.badLinesPercent > 0) {
    return {
      code: 'nothingUsable',
      message: `none of its ${report.lines} lines is an entry (read as ${report.format})${shown}`,
    };
  }
  const max = options.badLinesPercentMax;
  if (max === undefined || report.badLinesPercent <= max) return undefined;
  const percent = report.badLinesPercent.toFixed(1);
  return {
    code: 'tooManyBadLines',
    message: `${percent} % of its lines are wrong, ${max} % are allowed (read as ${report.format})${shown}`,
  };
}

function decoderFor(chunk: Uint8Array): TextDecoder {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return new TextDecoder('utf-16le');
  if (chunk[0] === 0xfe && chunk[1] === 0xff) return new TextDecoder('utf-16be');
  return new TextDecoder('utf-8');
}

function isSharedByMany(name: string): boolean {
  return isPathHost(name) || isPublicSuffix(name);
}
