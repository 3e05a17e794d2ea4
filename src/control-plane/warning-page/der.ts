/**
 * The little of DER that a certificate needs: writing values, and finding one inside another. Why by hand: Node reads
 * certificates and does not write them; a library for it brings thousands of lines for these few. ITU-T X.690.
 */

export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  sequence: 0x30,
  /** Context-specific, constructed: add the number. */
  explicit: 0xa0,
  /** Context-specific, primitive: add the number. */
  implicit: 0x80,
} as const;

/** One value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = Buffer.from(body.length.toString(16).padStart(body.length < 0x100 ? 2 : 4, '0'), 'hex');
  if (body.length > 0xffff) throw new RangeError('larger than any value of a certificate');
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, body]);
}

/** An object identifier written 1.2.840.10045.4.3.2. */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const octets = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return der(Tag.objectIdentifier, Buffer.from(octets));
}

/** UTCTime, which serves until 2049 (RFC 5280 4.1.2.5.1). */
export function utcTime(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(Tag.utcTime, Buffer.from(text.slice(2), 'latin1'));
}

export interface DerValue {
  readonly tag: number;
  /** With tag and length. */
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** The values that lie one behind the other in `bytes`. Errors: throws on a length that does not fit. */
export function derValues(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (lengthBytes > 3) throw new RangeError('a DER length that no certificate has');
    const contentAt = at + 2 + lengthBytes;
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
    const end = contentAt + length;
    if (end > bytes.length) throw new RangeError('a DER value that does not fit');
    values.push({ tag: bytes[at] ?? 0, whole: bytes.subarray(at, end), content: bytes.subarray(contentAt, end) });
    at = end;
  }
  return values;
}
