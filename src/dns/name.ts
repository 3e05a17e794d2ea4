/**
 * Domain names in wire format: to and from text, comparison without regard to case, the walk over labels, and the
 * decompression of names in messages. Used by everything that touches a name; the query path uses only the functions
 * that allocate nothing (skipName, expandName, labelStartsOf, namesEqual).
 * It must not decide what a name means. RFC 1035 2.3.4, 3.1, 4.1.4, 5.1; RFC 4343.
 */
import { HEADER_BYTES } from './iana.ts';

/** "names: 255 octets or less" (RFC 1035 2.3.4), length octets and the root label included. */
export const NAME_BYTES_MAX = 255;
/** "labels: 63 octets or less" (RFC 1035 2.3.4). */
export const LABEL_BYTES_MAX = 63;
/** Room for the labels of any name: 127 of one octet each fill 254 octets; the root is not counted. */
export const LABELS_MAX = 128;

/**
 * Pointers that one name may follow: as many as it can have labels. Without it a message of 64 KB made of pointers to
 * pointers costs 30,000 steps a name.
 */
export const POINTERS_MAX = 127;

const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const CASE_BIT = 0x20;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const POINTER_BITS = 0xc0;

/**
 * Lower case of every octet: ASCII letters only. Length octets (0-63) are below the letters, so a whole wire-format
 * name can be folded octet by octet. Source: RFC 4343 3.
 */
export const FOLD: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= UPPER_A && octet <= UPPER_Z ? octet | CASE_BIT : octet,
);

const AS_SENT: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => octet);

/**
 * The wire-format name of a text in master-file notation (`\.`, `\\`, `\032`; a trailing dot is optional, "." is the
 * root). Letters keep their case.
 * Errors: undefined for an empty text or label, a label or name over length, a bad escape, and a character outside
 * ASCII (make it an A-label first).
 * Source: RFC 1035 5.1.
 */
export function nameFromText(text: string): Uint8Array | undefined {
  if (text === '.') return new Uint8Array(1);
  const out = new Uint8Array(NAME_BYTES_MAX);
  let labelStart = 0;
  let at = 1;
  let index = 0;
  while (index < text.length) {
    let code = text.charCodeAt(index);
    if (code === DOT) {
      const labelBytes = at - labelStart - 1;
      if (labelBytes === 0 || labelBytes > LABEL_BYTES_MAX) return undefined;
      out[labelStart] = labelBytes;
      labelStart = at;
      at += 1;
      index += 1;
      continue;
    }
    if (code > 0x7f) return undefined;
    index += 1;
    if (code === BACKSLASH) {
      const digits = /^\d{3}/u.exec(text.slice(index, index + 3))?.[0];
      if (digits === undefined) {
        code = text.charCodeAt(index);
        if (!(code <= 0x7f) || (code >= 0x30 && code <= 0x39)) return undefined;
        index += 1;
      } else {
        code = Number(digits);
        if (code > 0xff) return undefined;
        index += 3;
      }
    }
    if (at >= NAME_BYTES_MAX - 1) return undefined;
    out[at] = code;
    at += 1;
  }
  const labelBytes = at - labelStart - 1;
  if (labelBytes === 0) {
    // The trailing dot's empty label is the root; a text without any label is no name.
    return labelStart === 0 ? undefined : out.slice(0, at);
  }
  if (labelBytes > LABEL_BYTES_MAX) return undefined;
  out[labelStart] = labelBytes;
  return out.slice(0, at + 1);
}

/**
 * The text of an uncompressed name: no trailing dot, the root is ".". Letters keep their case; what nameFromText reads
 * back is the same name.
 * Errors: a malformed name ends where its fault is.
 * Source: RFC 4343 2.1.
 */
export function nameToText(bytes: Uint8Array, offset: number): string {
  let text = '';
  let at = offset;
  while (at - offset < NAME_BYTES_MAX) {
    const labelBytes = bytes[at] ?? 0;
    if (labelBytes === 0 || labelBytes > LABEL_BYTES_MAX) break;
    if (at !== offset) text += '.';
    const labelEnd = Math.min(at + 1 + labelBytes, bytes.length);
    for (at += 1; at < labelEnd; at += 1) text += octetText(bytes[at] ?? 0);
  }
  return text === '' ? '.' : text;
}

function octetText(octet: number): string {
  if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, '0')}`;
  if (octet === DOT || octet === BACKSLASH) return `\\${String.fromCharCode(octet)}`;
  return String.fromCharCode(octet);
}

/**
 * The offset behind a possibly compressed name, or -1 if it is malformed. A pointer ends it and is not followed.
 * Cost: one step a label.
 */
export function skipName(bytes: Uint8Array, offset: number, end: number): number {
  let at = offset;
  while (at < end) {
    const labelBytes = bytes[at]!;
    if (labelBytes === 0) return at + 1;
    if (labelBytes > LABEL_BYTES_MAX) {
      if ((labelBytes & POINTER_BITS) !== POINTER_BITS || at + 2 > end) return -1;
      return at + 2;
    }
    at += 1 + labelBytes;
    if (at - offset >= NAME_BYTES_MAX) return -1;
  }
  return -1;
}

/**
 * Decompresses the name at `offset` of the message at `messageStart` into `out` (255 octets), folded to lower case.
 * Returns the octets written, root label included, or -1: past the end, a reserved label type, over length, too many
 * pointers, or a pointer that does not point to an earlier place behind the header.
 * Cost: bounded: each pointer leads strictly backwards, and POINTERS_MAX and the name's length end the walk.
 * Source: RFC 1035 4.1.4 ("a pointer to a prior occurance of the same name").
 */
export function expandName(
  bytes: Uint8Array,
  messageStart: number,
  offset: number,
  end: number,
  out: Uint8Array,
): number {
  return expand(bytes, messageStart, offset, end, out, FOLD);
}

/** The same as expandName with the letters as they were sent. */
export function expandNameAsSent(
  bytes: Uint8Array,
  messageStart: number,
  offset: number,
  end: number,
  out: Uint8Array,
): number {
  return expand(bytes, messageStart, offset, end, out, AS_SENT);
}

function expand(
  bytes: Uint8Array,
  messageStart: number,
  offset: number,
  end: number,
  out: Uint8Array,
  octetMap: Uint8Array,
): number {
  let at = offset;
  let runStart = offset;
  let written = 0;
  let pointers = 0;
  while (at < end) {
    const labelBytes = bytes[at]!;
    if (labelBytes > LABEL_BYTES_MAX) {
      if ((labelBytes & POINTER_BITS) !== POINTER_BITS || at + 2 > end) return -1;
      const relative = ((labelBytes & 0x3f) << 8) | bytes[at + 1]!;
      const target = messageStart + relative;
      pointers += 1;
      if (relative < HEADER_BYTES || target >= runStart || pointers > POINTERS_MAX) return -1;
      at = target;
      runStart = target;
      continue;
    }
    if (labelBytes === 0) {
      out[written] = 0;
      return written + 1;
    }
    const labelEnd = at + 1 + labelBytes;
    // One octet stays free for the root label.
    if (labelEnd > end || written + 1 + labelBytes >= NAME_BYTES_MAX) return -1;
    while (at < labelEnd) {
      out[written] = octetMap[bytes[at]!]!;
      written += 1;
      at += 1;
    }
  }
  return -1;
}

/**
 * Writes the offset (relative to `offset`) of each label's length octet into `out` (LABELS_MAX octets), first label
 * first, without the root. Returns the number of labels, or -1 if the name is malformed or compressed.
 * Cost: one step a label.
 */
export function labelStartsOf(name: Uint8Array, offset: number, out: Uint8Array): number {
  let at = 0;
  let count = 0;
  for (;;) {
    const labelBytes = name[offset + at];
    if (labelBytes === undefined || labelBytes > LABEL_BYTES_MAX) return -1;
    if (labelBytes === 0) return count;
    out[count] = at;
    count += 1;
    at += 1 + labelBytes;
    if (at >= NAME_BYTES_MAX) return -1;
  }
}

/**
 * Whether two uncompressed names are the same, without regard to ASCII case.
 * Cost: one step an octet.
 * Source: RFC 4343 3.
 */
export function namesEqual(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): boolean {
  let at = 0;
  while (at < NAME_BYTES_MAX) {
    const labelBytes = a[aOffset + at];
    if (labelBytes === undefined || labelBytes > LABEL_BYTES_MAX || labelBytes !== b[bOffset + at]) return false;
    if (labelBytes === 0) return true;
    const labelEnd = at + 1 + labelBytes;
    for (at += 1; at < labelEnd; at += 1) {
      const octetA = a[aOffset + at];
      const octetB = b[bOffset + at];
      if (octetA === undefined || octetB === undefined || FOLD[octetA] !== FOLD[octetB]) return false;
    }
  }
  return false;
}

/** The octets of an uncompressed name, root label included, or -1 if it is malformed. */
export function nameBytes(name: Uint8Array, offset: number): number {
  let at = 0;
  for (;;) {
    const labelBytes = name[offset + at];
    if (labelBytes === undefined || labelBytes > LABEL_BYTES_MAX) return -1;
    at += 1 + labelBytes;
    if (at > NAME_BYTES_MAX) return -1;
    if (labelBytes === 0) return at;
  }
}
