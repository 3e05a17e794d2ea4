/**
 * The compact form of one version of one list: what the compile thread reads and what lies on disk as the last good
 * copy. One entry after the other in one buffer, no object an entry:
 *   flags u8, staging u16 (if flagged), expiry u32 (if flagged), wire name in lower case with its root label, length u16
 *   and JSON (if flagged).
 * Big-endian throughout. On disk it is framed by list-segment-file.ts.
 */
import { CATEGORIES } from '../../policy/category.ts';
import { progressed } from './compile-progress.ts';
import type { EntryProvenance, EntryStaging, ListEntry } from './format/list-format.ts';

const FLAG_EXACT = 0x01;
const FLAG_EXCEPTION = 0x02;
const FLAG_EXPIRY = 0x04;
const FLAG_PROVENANCE = 0x08;
const CATEGORY_SHIFT = 4;
/** In the category's four bits: the list's default. */
const CATEGORY_DEFAULT = 15;
/** In the category's four bits: two octets follow, with category and staging in the first, the rollout's slot in the second. */
const CATEGORY_STAGED = 14;
const STAGED_SHADOW = 0x01;
const STAGED_APPROVED = 0x02;
const NAME_BYTES_MAX = 255;
/** JSON of one entry's provenance; longer ones are cut down to their reference. */
export const PROVENANCE_BYTES_MAX = 4096;
/** A segment that outgrows this is written to its spill, piece by piece. */
export const SPILL_BYTES = 1 << 20;
/** From one sign of life to the next. A power of two. */
const PROGRESS_ENTRIES = 1 << 14;
export const ENTRY_BYTES_MAX = 1 + 2 + 4 + NAME_BYTES_MAX + 2 + PROVENANCE_BYTES_MAX;

/** One entry as it lies in the segment. ONE reused object: valid until the visitor returns. */
export interface SegmentEntry {
  bytes: Uint8Array;
  /** Offset of the entry in the segment's payload. */
  start: number;
  /** Offset of the wire name in `bytes`. */
  nameOffset: number;
  nameBytes: number;
  scope: 'exact' | 'subtree';
  kind: 'block' | 'exception';
  /** Position in CATEGORIES; -1: the list's default. */
  categoryIndex: number;
  /** 0: never. */
  expiresAtSeconds: number;
  isShadow: boolean;
  isApproved: boolean;
  /** 0: in force for everyone. */
  rolloutSlot: number;
  /** Offset of the provenance JSON; 0: none. */
  provenanceOffset: number;
  provenanceBytes: number;
}

/** Takes what a writer has so far, so that its buffer is free again; false: it cannot, and takes nothing any more. */
export interface SegmentSpill {
  write(bytes: Uint8Array): boolean;
  /** Everything taken so far. */
  takeBack(): Uint8Array;
}

/** Collects entries. Cost: no object and no copy an entry beyond the growing buffer, and none of it with a spill. */
export class SegmentWriter {
  entryCount = 0;
  /** Octets of the names alone. */
  nameBytes = 0;
  /** Entries with a provenance. */
  referenceCount = 0;
  #bytes: Uint8Array;
  #end = 0;
  #spill: SegmentSpill | undefined;

  constructor(bytesExpected = 1 << 16, spill?: SegmentSpill) {
    this.#bytes = new Uint8Array(Math.max(bytesExpected, ENTRY_BYTES_MAX));
    this.#spill = spill;
  }

  /** Appends an entry; false if its name is no name (nothing is written then). */
  add(entry: ListEntry): boolean {
    const provenance = provenanceJson(entry.provenance);
    if (this.#end + ENTRY_BYTES_MAX > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    const start = this.#end;
    const category = entry.category === undefined ? CATEGORY_DEFAULT : CATEGORIES.indexOf(entry.category);
    const expiry = entry.expiresAtSeconds;
    const { staging } = entry;
    let at = start + 1;
    if (staging !== undefined) at = writeStaging(bytes, at, staging, category);
    if (expiry !== undefined) at = writeUint32(bytes, at, Math.min(Math.max(Math.floor(expiry), 1), 0xffffffff));
    const nameStart = at;
    at = writeName(bytes, at, entry.name);
    if (at < 0) return false;
    this.nameBytes += at - nameStart;
    if (provenance !== undefined) {
      this.referenceCount++;
      bytes[at++] = provenance.length >>> 8;
      bytes[at++] = provenance.length & 0xff;
      bytes.set(provenance, at);
      at += provenance.length;
    }
    bytes[start] =
      (entry.scope === 'exact' ? FLAG_EXACT : 0) |
      (entry.kind === 'exception' ? FLAG_EXCEPTION : 0) |
      (expiry === undefined ? 0 : FLAG_EXPIRY) |
      (provenance === undefined ? 0 : FLAG_PROVENANCE) |
      ((staging === undefined ? category : CATEGORY_STAGED) << CATEGORY_SHIFT);
    this.#end = at;
    this.entryCount++;
    return true;
  }

  /** The segment written so far, but for what was spilled (a view, not a copy). */
  payload(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  #grow(): void {
    if (this.#spill !== undefined && this.#bytes.length >= SPILL_BYTES) {
      if (this.#spill.write(this.payload())) {
        this.#end = 0;
        return;
      }
      const before = this.#spill.takeBack();
      this.#spill = undefined;
      const whole = new Uint8Array((before.length + this.#end) * 2);
      whole.set(before);
      whole.set(this.payload(), before.length);
      this.#end += before.length;
      this.#bytes = whole;
      return;
    }
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}

/**
 * Shows every entry to a visitor, which may return false to stop.
 * Returns the number of entries seen, or -1 if the bytes are no segment (visits made before that stand).
 */
export function readSegment(bytes: Uint8Array, visit: SegmentVisitor): number {
  const entry = emptyEntry(bytes);
  let at = 0;
  let count = 0;
  while (at < bytes.length) {
    entry.start = at;
    at = readEntry(bytes, at, entry);
    if (at < 0) return -1;
    count++;
    if ((count & (PROGRESS_ENTRIES - 1)) === 0) progressed();
    if (visit(entry) === false) break;
  }
  return count;
}

export type SegmentVisitor = (entry: SegmentEntry) => boolean | void;

/**
 * The same for a segment that comes in pieces: `read` fills a buffer and says with how many octets, 0 at the end.
 * Cost: one buffer of SPILL_BYTES.
 */
export function readSegmentPieces(read: (into: Uint8Array) => number, visit: SegmentVisitor): number {
  const buffer = new Uint8Array(SPILL_BYTES);
  let filled = 0;
  let count = 0;
  /** Of the payload, before what is in the buffer. */
  let before = 0;
  for (let isEnd = false; !isEnd;) {
    const bytes = read(buffer.subarray(filled));
    progressed();
    isEnd = bytes === 0;
    filled += bytes;
    const piece = buffer.subarray(0, filled);
    const entry = emptyEntry(piece);
    const last = isEnd ? filled : filled - ENTRY_BYTES_MAX;
    let at = 0;
    while (at < last) {
      entry.start = before + at;
      at = readEntry(piece, at, entry);
      if (at < 0) return -1;
      count++;
      if (visit(entry) === false) return count;
    }
    buffer.copyWithin(0, at, filled);
    filled -= at;
    before += at;
  }
  return count;
}

/** The entry that the bytes begin with; undefined: none that is whole. */
export function entryAt(bytes: Uint8Array): SegmentEntry | undefined {
  const entry = emptyEntry(bytes);
  return bytes.length > 0 && readEntry(bytes, 0, entry) > 0 ? entry : undefined;
}

function emptyEntry(bytes: Uint8Array): SegmentEntry {
  return {
    bytes,
    start: 0,
    nameOffset: 0,
    nameBytes: 0,
    scope: 'subtree',
    kind: 'block',
    categoryIndex: -1,
    expiresAtSeconds: 0,
    isShadow: false,
    isApproved: false,
    rolloutSlot: 0,
    provenanceOffset: 0,
    provenanceBytes: 0,
  };
}

function readEntry(bytes: Uint8Array, start: number, entry: SegmentEntry): number {
  const flags = bytes[start] ?? 0;
  let category = flags >>> CATEGORY_SHIFT;
  let at = start + 1;
  let staging = 0;
  entry.rolloutSlot = 0;
  if (category === CATEGORY_STAGED) {
    staging = bytes[at] ?? 0;
    category = staging >>> CATEGORY_SHIFT;
    entry.rolloutSlot = bytes[at + 1] ?? 0;
    at += 2;
  }
  if (category !== CATEGORY_DEFAULT && category >= CATEGORIES.length) return -1;
  entry.isShadow = (staging & STAGED_SHADOW) !== 0;
  entry.isApproved = (staging & STAGED_APPROVED) !== 0;
  entry.scope = (flags & FLAG_EXACT) === 0 ? 'subtree' : 'exact';
  entry.kind = (flags & FLAG_EXCEPTION) === 0 ? 'block' : 'exception';
  entry.categoryIndex = category === CATEGORY_DEFAULT ? -1 : category;
  entry.expiresAtSeconds = 0;
  if ((flags & FLAG_EXPIRY) !== 0) {
    entry.expiresAtSeconds = readUint32(bytes, at);
    at += 4;
  }
  entry.nameOffset = at;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > 63 || at - entry.nameOffset >= NAME_BYTES_MAX) return -1;
    at += length + 1;
    if (length === 0) break;
  }
  entry.nameBytes = at - entry.nameOffset;
  entry.provenanceOffset = 0;
  entry.provenanceBytes = 0;
  if ((flags & FLAG_PROVENANCE) !== 0) {
    entry.provenanceBytes = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    entry.provenanceOffset = at + 2;
    at += 2 + entry.provenanceBytes;
  }
  return at > bytes.length ? -1 : at;
}

/** The entry's name as text, the root as ".". */
export function segmentName(entry: SegmentEntry): string {
  const { bytes, nameOffset, nameBytes } = entry;
  if (nameBytes === 1) return '.';
  let text = '';
  for (let at = nameOffset; ;) {
    const length = bytes[at] ?? 0;
    if (length === 0) return text;
    if (text !== '') text += '.';
    for (let index = 1; index <= length; index++) text += String.fromCharCode(bytes[at + index] ?? 0);
    at += length + 1;
  }
}

export function provenanceOf(entry: SegmentEntry): EntryProvenance | undefined {
  if (entry.provenanceOffset === 0) return undefined;
  const end = entry.provenanceOffset + entry.provenanceBytes;
  const json = Buffer.from(entry.bytes.subarray(entry.provenanceOffset, end)).toString('utf8');
  try {
    const value: unknown = JSON.parse(json);
    return isProvenance(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isProvenance(value: unknown): value is EntryProvenance {
  return (
    typeof value === 'object' && value !== null && Object.values(value).every((field) => typeof field === 'string')
  );
}

function provenanceJson(provenance: EntryProvenance | undefined): Uint8Array | undefined {
  if (provenance === undefined) return undefined;
  const whole = Buffer.from(JSON.stringify(provenance));
  if (whole.length <= PROVENANCE_BYTES_MAX) return whole;
  const reference = Buffer.from(JSON.stringify({ reference: provenance.reference?.slice(0, 1000) }));
  return reference.length <= PROVENANCE_BYTES_MAX ? reference : undefined;
}

function writeStaging(bytes: Uint8Array, at: number, staging: EntryStaging, category: number): number {
  bytes[at] =
    (category << CATEGORY_SHIFT) | (staging.isShadow ? STAGED_SHADOW : 0) | (staging.isApproved ? STAGED_APPROVED : 0);
  bytes[at + 1] = staging.rolloutSlot;
  return at + 2;
}

/** Writes text in lower case as a wire name; the offset behind it, or -1. */
function writeName(bytes: Uint8Array, start: number, name: string): number {
  if (name === '.') {
    bytes[start] = 0;
    return start + 1;
  }
  if (name.length > NAME_BYTES_MAX - 2 || name.length === 0) return -1;
  let lengthAt = start;
  let at = start + 1;
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code !== 0x2e) {
      if (code > 0x7f) return -1;
      bytes[at++] = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
      continue;
    }
    const length = at - lengthAt - 1;
    if (length === 0 || length > 63) return -1;
    bytes[lengthAt] = length;
    lengthAt = at++;
  }
  const length = at - lengthAt - 1;
  if (length === 0 || length > 63) return -1;
  bytes[lengthAt] = length;
  bytes[at++] = 0;
  return at;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
  return at + 4;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}
