/**
 * One record of the audit chain: what its hash is over, and how it is written as a line of JSON. Its hash covers the hash
 * of the record before it, so that nothing in the middle can be changed, moved or taken out without all hashes behind it.
 * Others can check an export with nothing but this description and SHA-256 (FIPS 180-4).
 */
import { hash } from 'node:crypto';

/** `previousHash` of the first record. */
export const GENESIS_HASH = '0'.repeat(64);
/** Hashed first: a record of another kind of chain, or of another version of this one, has no hash of ours. */
const CHAIN_NAME = 'weir audit 1';

/** The fields as they are stored: octets and decimal digits, so that what is hashed is what is there. */
export interface StoredRecord {
  readonly seq: bigint | number;
  /** Units: seconds since 1970. */
  readonly at: bigint | number;
  readonly actor: Uint8Array;
  readonly kind: Uint8Array;
  /** Null: of no list. */
  readonly list: Uint8Array | null;
  /** JSON. */
  readonly data: Uint8Array;
  readonly previousHash: Uint8Array;
}

/**
 * SHA-256, hexadecimal, over netstrings (LENGTH ":" OCTETS ","), one a field: the chain's name, seq and at in decimal,
 * actor, kind, the list (empty: none; otherwise "=" and its name), data, previousHash. No two records have one encoding.
 */
export function recordHash(record: StoredRecord): string {
  const parts: Uint8Array[] = [];
  const field = (...octets: Uint8Array[]): void => {
    const length = octets.reduce((sum, piece) => sum + piece.length, 0);
    parts.push(Buffer.from(`${length}:`), ...octets, COMMA);
  };
  field(Buffer.from(CHAIN_NAME));
  field(Buffer.from(String(record.seq)));
  field(Buffer.from(String(record.at)));
  field(record.actor);
  field(record.kind);
  if (record.list === null) field();
  else field(EQUALS, record.list);
  field(record.data);
  field(record.previousHash);
  return hash('sha256', Buffer.concat(parts), 'hex');
}

const COMMA = Buffer.from(',');
const EQUALS = Buffer.from('=');

/** A record as texts, as it is read and exported. */
export interface RecordText {
  readonly seq: number;
  readonly atSeconds: number;
  readonly actor: string;
  readonly kind: string;
  readonly list: string | null;
  readonly dataText: string;
  readonly previousHash: string;
  readonly hash: string;
}

/** The line of an export, without its end. `data` stands in it as it is stored. */
export function recordLine(record: RecordText): string {
  const { seq, atSeconds, actor, kind, list, dataText, previousHash, hash: own } = record;
  const head = JSON.stringify({ seq, atSeconds, actor, kind, list });
  return `${head.slice(0, -1)},"data":${dataText},${JSON.stringify({ previousHash, hash: own }).slice(1)}`;
}

/**
 * Reads a line that recordLine has written, and no other form of it: whatever else reads the export sees what was hashed.
 * Undefined: it is none.
 */
export function parseRecordLine(line: string): RecordText | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { seq, atSeconds, actor, kind, list, data, previousHash, hash: own } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(atSeconds) || typeof data !== 'object') return undefined;
  if (list !== null && typeof list !== 'string') return undefined;
  if (![actor, kind, previousHash, own].every((field) => typeof field === 'string')) return undefined;
  const texts = { actor, kind, previousHash, hash: own } as Record<'actor' | 'kind' | 'previousHash' | 'hash', string>;
  const record: RecordText = {
    seq: seq as number,
    atSeconds: atSeconds as number,
    list,
    dataText: JSON.stringify(data),
    ...texts,
  };
  // Why: in {"data":1,"data":2} a reader may see the one and the hash be of the other.
  return recordLine(record) === line ? record : undefined;
}

/** The same as octets. */
export function storedForm({ seq, atSeconds, actor, kind, list, dataText, previousHash }: RecordText): StoredRecord {
  return {
    seq,
    at: atSeconds,
    actor: Buffer.from(actor),
    kind: Buffer.from(kind),
    list: list === null ? null : Buffer.from(list),
    data: Buffer.from(dataText),
    previousHash: Buffer.from(previousHash),
  };
}
