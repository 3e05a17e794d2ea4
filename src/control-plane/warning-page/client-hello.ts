/**
 * Reads the server name out of a TLS ClientHello, by hand: nothing is negotiated, no key is touched. The hello may come
 * in several records and in any pieces; it is read from the start whenever there is more of it, so octets and records
 * are bounded. RFC 8446 4.1.2, 5.1; RFC 6066 3.
 */

/** Of the records of one hello. With post-quantum key shares a real one has under 2,000. */
const HELLO_BYTES_MAX = 16 * 1024;
/**
 * Of one hello. Real ones come in one record, or in a handful where they are cut to pass a filter. Why not left to the
 * octets: those would allow 2,730 records, walked again with every piece; a real hello of 1,600 octets still fits in
 * records of two.
 */
export const RECORDS_MAX = 1024;
const RECORD_HEADER_BYTES = 5;
const RECORD_BYTES_MAX = 16 * 1024;
const CONTENT_HANDSHAKE = 22;
const MESSAGE_CLIENT_HELLO = 1;
const MESSAGE_HEADER_BYTES = 4;
const RANDOM_BYTES = 32;
const EXTENSION_SERVER_NAME = 0;
const NAME_TYPE_HOST = 0;
const NAME_BYTES_MAX = 255;

export type ClientHello =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed' }
  /** `name` as sent, lower case; undefined: none. */
  | { readonly kind: 'hello'; readonly name: string | undefined };

const MALFORMED: ClientHello = { kind: 'malformed' };
const INCOMPLETE: ClientHello = { kind: 'incomplete' };

/** Reads what has arrived of a connection so far. Cost: one step a record, one an extension; copies a whole hello alone. */
export function readClientHello(bytes: Buffer): ClientHello {
  let wantedBytes: number | undefined;
  for (let at = 0, records = 0, contentBytes = 0; ; records++) {
    if (wantedBytes === undefined && contentBytes >= MESSAGE_HEADER_BYTES) {
      const head = contentOf(bytes, at);
      if (head[0] !== MESSAGE_CLIENT_HELLO) return MALFORMED;
      wantedBytes = MESSAGE_HEADER_BYTES + head.readUIntBE(1, 3);
      if (wantedBytes > HELLO_BYTES_MAX) return MALFORMED;
    }
    if (wantedBytes !== undefined && contentBytes >= wantedBytes) {
      return readMessage(contentOf(bytes, at).subarray(0, wantedBytes));
    }
    if (at >= HELLO_BYTES_MAX || records === RECORDS_MAX) return MALFORMED;
    if (bytes[at] !== undefined && bytes[at] !== CONTENT_HANDSHAKE) return MALFORMED;
    if (bytes[at + 1] !== undefined && bytes[at + 1] !== 3) return MALFORMED;
    if (bytes.length < at + RECORD_HEADER_BYTES) return INCOMPLETE;
    const recordBytes = bytes.readUInt16BE(at + 3);
    // RFC 8446 section 5.1: "implementations MUST NOT send zero-length fragments of Handshake types".
    if (recordBytes === 0 || recordBytes > RECORD_BYTES_MAX) return MALFORMED;
    at += RECORD_HEADER_BYTES + recordBytes;
    if (bytes.length < at) return bytes.length >= HELLO_BYTES_MAX ? MALFORMED : INCOMPLETE;
    contentBytes += recordBytes;
  }
}

/** What the records before `end`, each of them whole, carry. */
function contentOf(bytes: Buffer, end: number): Buffer {
  const fragments: Buffer[] = [];
  for (let at = 0; at < end;) {
    const contentAt = at + RECORD_HEADER_BYTES;
    at = contentAt + bytes.readUInt16BE(at + 3);
    fragments.push(bytes.subarray(contentAt, at));
  }
  return Buffer.concat(fragments);
}

/** Walks vectors with a length in front; -1 once one does not fit. */
class Cursor {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** The number of `octets` octets here, or -1. */
  number(octets: 1 | 2): number {
    if (this.at + octets > this.end) return -1;
    const value = this.bytes.readUIntBE(this.at, octets);
    this.at += octets;
    return value;
  }

  /** Passes over a vector whose length has `octets` octets; its content, or undefined. */
  vector(octets: 1 | 2): Cursor | undefined {
    const length = this.number(octets);
    if (length < 0 || this.at + length > this.end) return undefined;
    const content = new Cursor(this.bytes, this.at, this.at + length);
    this.at += length;
    return content;
  }
}

function readMessage(message: Buffer): ClientHello {
  const body = new Cursor(message, MESSAGE_HEADER_BYTES + 2 + RANDOM_BYTES, message.length);
  const sessionId = body.vector(1);
  const cipherSuites = body.vector(2);
  const compressionMethods = body.vector(1);
  if (sessionId === undefined || cipherSuites === undefined || compressionMethods === undefined) return MALFORMED;
  // TLS 1.2 clients may end here (RFC 5246 section 7.4.1.2).
  if (body.at === body.end) return { kind: 'hello', name: undefined };
  const extensions = body.vector(2);
  if (extensions === undefined || body.at !== body.end) return MALFORMED;
  let name: string | undefined;
  while (extensions.at < extensions.end) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type < 0 || content === undefined) return MALFORMED;
    if (type !== EXTENSION_SERVER_NAME) continue;
    name = serverName(content);
    if (name === undefined) return MALFORMED;
  }
  return { kind: 'hello', name };
}

function serverName(extension: Cursor): string | undefined {
  const list = extension.vector(2);
  if (list === undefined || list.number(1) !== NAME_TYPE_HOST) return undefined;
  const name = list.vector(2);
  if (name === undefined || name.at === name.end || name.end - name.at > NAME_BYTES_MAX) return undefined;
  return name.bytes.toString('latin1', name.at, name.end).toLowerCase();
}
