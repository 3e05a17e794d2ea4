/**
 * One content of one list: from the bytes of its source to a segment, with what the guard holds of it, or a refusal
 * that says why nothing of it is used. Runs in the compile thread. Must not know what is in force.
 */
import { readFile, stat } from 'node:fs/promises';
import type { SkipReason } from './format/list-format.ts';
import { readListFile } from './format/read-list-file.ts';
import type { LineSample, RefusalCode } from './format/read-report.ts';
import type { Guard } from './guard/guard.ts';
import { HoldCollector, holdsOfSegment, type ListHolds } from './list-holds.ts';
import { SegmentWriter } from './list-segment.ts';
import { decodeSegmentFile } from './list-segment-file.ts';
import type { SourceInput } from './sources/list-source.ts';

/** What is known of a content; a segment file's header has it too. */
export interface ListFacts {
  readonly format: string;
  readonly sourceSha256: string;
  readonly entries: number;
  readonly skippedByReason: Readonly<Partial<Record<SkipReason, number>>>;
  readonly samples: Readonly<Partial<Record<SkipReason, readonly LineSample[]>>>;
}

export type ParseOutcome =
  | {
      readonly kind: 'parsed';
      readonly facts: ListFacts;
      readonly payload: Uint8Array<ArrayBuffer>;
      readonly holds: ListHolds;
      readonly warnings: readonly LineSample[];
    }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string };

export interface ParseSettings {
  readonly format: string;
  readonly bytesMax: number;
  readonly badLinesPercentMax: number;
  readonly approved: readonly string[];
  readonly allowEmpty: boolean;
}

/** Reads a source's content. Errors: none; a refusal is a value. */
export async function parseList(
  input: SourceInput,
  settings: ParseSettings,
  guard: Guard,
  key: string,
): Promise<ParseOutcome> {
  const writer = new SegmentWriter(await bytesExpected(input));
  const collector = new HoldCollector(guard, settings.approved);
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
  if (outcome.kind === 'refused') return { kind: 'refused', code: outcome.code, message: outcome.message };
  const { report } = outcome;
  return {
    kind: 'parsed',
    facts: {
      format: report.format,
      sourceSha256: report.sha256,
      entries: writer.entryCount,
      skippedByReason: report.skippedByReason,
      samples: report.samples,
    },
    payload: movable(writer.payload()),
    holds: collector.holds(key),
    warnings: report.warnings,
  };
}

export type RestoreOutcome =
  | {
      readonly kind: 'restored';
      readonly facts: ListFacts;
      readonly version: number;
      readonly payload: Uint8Array<ArrayBuffer>;
      readonly holds: ListHolds;
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged'; readonly message: string };

/** The last good copy from the state directory, checked whole. */
export async function restoreList(
  path: string,
  approved: readonly string[],
  guard: Guard,
  key: string,
): Promise<RestoreOutcome> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch {
    return { kind: 'none' };
  }
  const file = decodeSegmentFile(bytes);
  if (file.kind === 'damaged') return { kind: 'damaged', message: `${path}: ${file.message}` };
  const { header } = file;
  if (!Number.isSafeInteger(header.version) || header.version < 1)
    return { kind: 'damaged', message: `${path}: its version is no number` };
  const payload = movable(file.payload);
  const holds = holdsOfSegment(payload, guard, approved, key);
  return { kind: 'restored', facts: header, version: header.version, payload, holds };
}

/** The bytes over memory of their own, so that moving them to another thread takes nothing else along; no copy if large. */
export function movable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  const isOwn = buffer instanceof ArrayBuffer && byteLength > buffer.byteLength / 4 && byteLength > MOVABLE_BYTES_MIN;
  return isOwn ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(bytes);
}

/** A segment is about a tenth larger than the plain list it was read from. */
async function bytesExpected(input: SourceInput): Promise<number> {
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
