/**
 * One content of one list: from the bytes of its source to a segment, with what the guard holds of it, or a refusal
 * that says why nothing of it is used. Runs in the compile thread. Must not know what is in force.
 */
import { readFile, stat } from 'node:fs/promises';
import type { SkipReason } from './format/list-format.ts';
import { readListFile } from './format/read-list-file.ts';
import type { LineSample, RefusalCode } from './format/read-report.ts';
import type { Guard } from './guard/guard.ts';
import type { ListChange } from './guard/update-guard.ts';
import { radiusHoldsFrom, type RadiusHold } from './held-entries.ts';
import { HoldCollector, holdsOfSegment, type ListHolds } from './list-holds.ts';
import { SPILL_BYTES, SegmentWriter } from './list-segment.ts';
import { decodeSegmentFile } from './list-segment-file.ts';
import { SegmentFileSpill, SegmentLost, readTrailer, type SegmentData } from './segment-data.ts';
import { readLedgerContent } from './push/ledger-content.ts';
import type { UpdateComparison } from './update-comparison.ts';
import type { SourceInput } from './sources/list-source.ts';

/** What is known of a content; a segment file's header has it too. */
export interface ListFacts {
  readonly format: string;
  readonly sourceSha256: string;
  readonly entries: number;
  /** Octets of all names; unknown for what an older Weir wrote. */
  readonly nameBytes?: number;
  readonly skippedByReason: Readonly<Partial<Record<SkipReason, number>>>;
  readonly samples: Readonly<Partial<Record<SkipReason, readonly LineSample[]>>>;
  /** Entries that say more than their name; unknown for what an older Weir wrote. */
  readonly references?: number;
  /** Entries held for how many ask for them. */
  readonly radiusHeld?: readonly RadiusHold[];
}

export type ParseOutcome =
  | {
      readonly kind: 'parsed';
      readonly facts: ListFacts;
      readonly segment: SegmentData;
      readonly holds: ListHolds;
      readonly warnings: readonly LineSample[];
      /** Of a list of the ledger, which numbers its versions itself; 0: it never had an entry. */
      readonly version?: number;
      /** Undefined: there is no version before it that counts. */
      readonly change: ListChange | undefined;
    }
  | { readonly kind: 'refused'; readonly code: RefusalCode | 'store'; readonly message: string };

export interface ParseSettings {
  readonly format: string;
  readonly bytesMax: number;
  readonly badLinesPercentMax: number;
  readonly approved: readonly string[];
  readonly allowEmpty: boolean;
  /** Where a large segment is written, and where it will lie as the last good copy; undefined: in memory. */
  readonly spill?: SpillPaths;
}

export interface SpillPaths {
  readonly path: string;
  readonly copyPath: string;
}

/** Reads a source's content. Errors: none; a refusal is a value. */
export async function parseList(
  input: SourceInput,
  settings: ParseSettings,
  guard: Guard,
  key: string,
  comparison: UpdateComparison,
): Promise<ParseOutcome> {
  if (input.kind === 'ledger') return readLedgerList(input, settings, guard, key);
  const spill = settings.spill && new SegmentFileSpill(settings.spill.path, settings.spill.copyPath);
  const expected = await bytesExpected(input);
  const writer = new SegmentWriter(spill === undefined ? expected : Math.min(expected, SPILL_BYTES), spill);
  const collector = new HoldCollector(guard, settings.approved, comparison.radiusHeld);
  const outcome = await readListFile(
    input.kind === 'path' ? input.path : piecesOf(input.bytes),
    {
      format: settings.format,
      bytesMax: settings.bytesMax,
      badLinesPercentMax: settings.badLinesPercentMax,
      allowEmpty: settings.allowEmpty,
      isSharedHost: (name) => guard.isSharedHost(name),
    },
    {
      entry: (entry, lineNumber) => {
        const place = writer.entryCount;
        if (writer.add(entry)) collector.look(entry, place, lineNumber);
      },
    },
  );
  if (outcome.kind === 'refused') {
    spill?.discard();
    return { kind: 'refused', code: outcome.code, message: outcome.message };
  }
  const segment = finished(writer, spill);
  const { report } = outcome;
  const change = comparison.compare(segment, writer.entryCount, collector);
  const { radiusHeld } = collector;
  return {
    kind: 'parsed',
    facts: {
      format: report.format,
      sourceSha256: report.sha256,
      entries: writer.entryCount,
      nameBytes: writer.nameBytes,
      references: writer.referenceCount,
      skippedByReason: report.skippedByReason,
      samples: report.samples,
      ...(radiusHeld.length > 0 && { radiusHeld }),
    },
    segment,
    holds: collector.holds(key),
    warnings: report.warnings,
    change,
  };
}

/** Of the ledger: nothing is skipped, for what is in there was looked at before. */
function readLedgerList(
  { stateDirectory, list }: Extract<SourceInput, { kind: 'ledger' }>,
  settings: ParseSettings,
  guard: Guard,
  key: string,
): ParseOutcome {
  const spill = settings.spill && new SegmentFileSpill(settings.spill.path, settings.spill.copyPath);
  const writer = new SegmentWriter(undefined, spill);
  const collector = new HoldCollector(guard, settings.approved);
  try {
    const { version, digest } = readLedgerContent(stateDirectory, list, (entry) => {
      const place = writer.entryCount;
      if (writer.add(entry)) collector.look(entry, place, 0);
    });
    const segment = finished(writer, spill);
    const { entryCount: entries, nameBytes } = writer;
    const facts = { format: 'ledger', sourceSha256: digest, entries, nameBytes, skippedByReason: {}, samples: {} };
    return {
      kind: 'parsed',
      facts,
      segment,
      holds: collector.holds(key),
      warnings: [],
      change: undefined,
      version,
    };
  } catch (error) {
    spill?.discard();
    return { kind: 'refused', code: 'store', message: `the ledger cannot be read: ${String(error)}` };
  }
}

function finished(writer: SegmentWriter, spill: SegmentFileSpill | undefined): SegmentData {
  const segment = spill?.finish(writer) ?? { kind: 'memory', payload: writer.payload() };
  return segment.kind === 'memory' ? { kind: 'memory', payload: movable(segment.payload) } : segment;
}

export type RestoreOutcome =
  | {
      readonly kind: 'restored';
      readonly facts: ListFacts;
      readonly version: number;
      readonly segment: SegmentData;
      readonly holds: ListHolds;
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged'; readonly message: string };

/** The last good copy from the state directory, checked whole; a large one stays there unless it is wanted in memory. */
export async function restoreList(
  path: string,
  approved: readonly string[],
  guard: Guard,
  key: string,
  inMemory: boolean,
): Promise<RestoreOutcome> {
  const trailer = readTrailer(path);
  if (trailer.kind === 'none') return { kind: 'none' };
  if (trailer.kind === 'damaged') return { kind: 'damaged', message: `${path}: ${trailer.message}` };
  const { header, payloadBytes, payloadSha256 } = trailer;
  if (!Number.isSafeInteger(header.version) || header.version < 1)
    return { kind: 'damaged', message: `${path}: its version is no number` };
  let segment: SegmentData = { kind: 'disk', path, copyPath: path, payloadBytes, payloadSha256 };
  if (inMemory || payloadBytes <= SPILL_BYTES) {
    const file = decodeSegmentFile(await readFile(path).catch(() => new Uint8Array(0)));
    if (file.kind === 'damaged') return { kind: 'damaged', message: `${path}: ${file.message}` };
    segment = { kind: 'memory', payload: movable(file.payload) };
  }
  try {
    const radiusHeld = radiusHoldsFrom(header.radiusHeld);
    const holds = holdsOfSegment(segment, guard, approved, key, radiusHeld);
    return { kind: 'restored', facts: { ...header, radiusHeld }, version: header.version, segment, holds };
  } catch (error) {
    if (!(error instanceof SegmentLost)) throw error;
    return { kind: 'damaged', message: error.message };
  }
}

/** The bytes over memory of their own, so that moving them to another thread takes nothing else along; no copy if large. */
export function movable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  const isOwn = buffer instanceof ArrayBuffer && byteLength > buffer.byteLength / 4 && byteLength > MOVABLE_BYTES_MIN;
  return isOwn ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(bytes);
}

/** A segment is about a tenth larger than the plain list it was read from. */
async function bytesExpected(input: Exclude<SourceInput, { kind: 'ledger' }>): Promise<number> {
  const bytes =
    input.kind === 'bytes'
      ? input.bytes.length
      : await stat(input.path).then(
          ({ size }) => size,
          () => 0,
        );
  return Math.ceil(Math.min(bytes, BYTES_EXPECTED_MAX) * 1.15);
}

/** A wrong guess costs a few copies. */
const BYTES_EXPECTED_MAX = 256 * 1024 * 1024;
/** Smaller ones may lie in memory that Node shares out among Buffers. */
const MOVABLE_BYTES_MIN = 64 * 1024;
const PIECE_BYTES = 256 * 1024;

/** A body in memory as the stream that the reader takes. */
async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
