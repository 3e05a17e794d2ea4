/**
 * The files of a feed as they are read: JSON Lines, compressed with zstd or gzip. A snapshot has an entry a line, a delta
 * `{"add":{...}}` or `{"remove":{"name":...,"scope":...}}`. Read as a stream, bounded on both sides of the decompressor;
 * the ledger judges what an entry says, this only its form. Call it with what has been verified, and commit afterwards.
 */
import { createHash } from 'node:crypto';
import type { ProposedEntry, ProposedRemoval } from '../ledger/ledger.ts';
import { errorCode } from '../list-sync/error-code.ts';
import { ListBytes } from '../list-sync/format/list-bytes.ts';
import { ListRefusal } from '../list-sync/format/list-refusal.ts';
import { refuseFeed, type FeedRefusal } from './feed-check.ts';

export type FeedFileKind = 'snapshot' | 'delta';

export type FeedOperation =
  | { readonly kind: 'add'; readonly entry: ProposedEntry }
  | { readonly kind: 'remove'; readonly removal: ProposedRemoval };

export interface FeedLinesRead {
  readonly kind: 'read';
  readonly lines: number;
  /** Of the decompressed content. */
  readonly linesSha256: string;
}

export const LINE_CHARS_MAX = 16 * 1024;
const TEXT_CHARS_MAX = 4096;
/** Operations handed over at a time. */
const BATCH_OPERATIONS = 1000;
const ENTRY_KEYS = new Set(['name', 'scope', 'category', 'reference', 'expiresAt', 'note', 'mode']);
const REMOVAL_KEYS = new Set(['name', 'scope']);

export interface FeedLinesLimits {
  /** Compressed, and decompressed. */
  readonly bytesMax: number;
  readonly decompressedBytesMax: number;
}

/**
 * Reads a file of a feed, a batch of operations at a time. @param source a path, or the content in pieces
 * Errors: a refusal, also where `onBatch` has got operations already: nothing of those may count then.
 */
export async function readFeedLines(
  source: string | AsyncIterable<Uint8Array>,
  kind: FeedFileKind,
  limits: FeedLinesLimits,
  onBatch: (operations: readonly FeedOperation[]) => Promise<void> | void,
): Promise<FeedLinesRead | FeedRefusal> {
  const bytes = new ListBytes(source, limits);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const hash = createHash('sha256');
  let batch: FeedOperation[] = [];
  let carry = '';
  let lines = 0;
  try {
    for await (const chunk of bytes.chunks()) {
      hash.update(chunk);
      const pieces = (carry + decoder.decode(chunk, { stream: true })).split('\n');
      carry = pieces.pop() ?? '';
      if (carry.length > LINE_CHARS_MAX) return refuseFeed('feedFormat', `line ${lines + 1} is too long`);
      for (const line of pieces) {
        lines += 1;
        const operation = line.length > LINE_CHARS_MAX ? undefined : operationOf(line, kind);
        if (operation === undefined) return refuseFeed('feedFormat', `line ${lines} of the ${kind} cannot be read`);
        if (batch.push(operation) < BATCH_OPERATIONS) continue;
        await onBatch(batch);
        batch = [];
      }
    }
    if (carry + decoder.decode() !== '') return refuseFeed('feedFormat', `the ${kind} ends in the middle of a line`);
  } catch (error) {
    return refusalOf(error, kind);
  }
  if (batch.length > 0) await onBatch(batch);
  return { kind: 'read', lines, linesSha256: hash.digest('hex') };
}

export function entryLine(entry: ProposedEntry): string {
  return `${JSON.stringify(ordered(entry))}\n`;
}

export function operationLine(operation: FeedOperation): string {
  if (operation.kind === 'add') return `${JSON.stringify({ add: ordered(operation.entry) })}\n`;
  const { name, scope } = operation.removal;
  return `${JSON.stringify({ remove: { name, scope } })}\n`;
}

/** Why: the same entry is the same line, whoever made the object. */
function ordered({ name, scope, category, reference, expiresAt, note, mode }: ProposedEntry): object {
  return { name, scope, category, reference, expiresAt, note, mode };
}

function operationOf(line: string, kind: FeedFileKind): FeedOperation | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (kind === 'snapshot') return isEntry(value) ? { kind: 'add', entry: value } : undefined;
  if (!isRecord(value) || Object.keys(value).length !== 1) return undefined;
  const { add, remove } = value as { readonly add?: unknown; readonly remove?: unknown };
  if (isEntry(add)) return { kind: 'add', entry: add };
  return isTextRecord(remove, REMOVAL_KEYS) ? { kind: 'remove', removal: remove } : undefined;
}

function isEntry(value: unknown): value is ProposedEntry {
  return isTextRecord(value, ENTRY_KEYS);
}

/** An object of short texts under these keys, a name and a right scope among them. */
function isTextRecord(value: unknown, keys: ReadonlySet<string>): value is { readonly name: string } {
  if (!isRecord(value)) return false;
  for (const [key, text] of Object.entries(value)) {
    if (!keys.has(key) || typeof text !== 'string' || text.length > TEXT_CHARS_MAX) return false;
  }
  const { name, scope } = value as { readonly name?: string; readonly scope?: string };
  return name !== undefined && (scope === undefined || scope === 'exact' || scope === 'subtree');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusalOf(error: unknown, kind: FeedFileKind): FeedRefusal {
  if (error instanceof ListRefusal) {
    return refuseFeed(error.code === 'tooLarge' ? 'tooLarge' : 'feedFormat', `the ${kind}: ${error.message}`);
  }
  if (errorCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return refuseFeed('feedFormat', `the ${kind} is not UTF-8`);
  throw error;
}
