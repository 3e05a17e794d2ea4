/** Messages for tests, octet by octet: what the code under test must not have built itself. */
import { HEADER_BYTES, RecordClass, RecordType } from '../../src/dns/iana.ts';
import { nameFromText } from '../../src/dns/name.ts';

/** Octets from hexadecimal digits; white space is ignored. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/gu, ''), 'hex'));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** 16-bit numbers in network order. */
export function words(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 0xff]));
}

/** A 32-bit number in network order. */
export function long(value: number): Uint8Array {
  return words(Math.floor(value / 0x1_0000), value % 0x1_0000);
}

/** A wire-format name; throws on a text that is none. */
export function wireName(text: string): Uint8Array {
  const name = nameFromText(text);
  if (name === undefined) throw new Error(`not a name: ${text}`);
  return name;
}

export interface Counts {
  readonly questions?: number;
  readonly answers?: number;
  readonly authorities?: number;
  readonly additionals?: number;
}

export function header(id: number, flags: number, counts: Counts = {}): Uint8Array {
  const { questions = 0, answers = 0, authorities = 0, additionals = 0 } = counts;
  return words(id, flags, questions, answers, authorities, additionals);
}

export function question(name: string, type: number = RecordType.A, recordClass: number = RecordClass.IN): Uint8Array {
  return concat(wireName(name), words(type, recordClass));
}

/** `owner` is a text or the octets of a (compressed) name. */
export function record(
  owner: string | Uint8Array,
  type: number,
  ttlSeconds: number,
  rdata: Uint8Array,
  recordClass: number = RecordClass.IN,
): Uint8Array {
  const name = typeof owner === 'string' ? wireName(owner) : owner;
  return concat(name, words(type, recordClass), long(ttlSeconds), words(rdata.length), rdata);
}

/** An OPT record; `ttl` holds extended rcode, version and flags. */
export function opt(options: Uint8Array = new Uint8Array(0), ttl = 0, udpPayloadBytes = 1232): Uint8Array {
  return record('.', RecordType.OPT, ttl, options, udpPayloadBytes);
}

export function option(code: number, data: Uint8Array): Uint8Array {
  return concat(words(code, data.length), data);
}

/** RDATA of a SOA record. */
export function soaRdata(minimumSeconds: number): Uint8Array {
  return concat(wireName('ns.example'), wireName('host.example'), ...[1, 2, 3, 4, minimumSeconds].map(long));
}

/** A pointer to the question's name. */
export const QNAME_POINTER: Uint8Array = words(0xc000 | HEADER_BYTES);
