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

/** What the hash of a record is over. */
export interface HashedFields {
  readonly seq: number | bigint;
  readonly atSeconds: number | bigint;
  readonly actor: string;
  readonly kind: string;
  /** Null: of no list. */
  readonly list: string | null;
  /** JSON, as it is stored. */
  readonly dataText: string;
  readonly previousHash: string;
}

/** A record as it is read and exported. */
export interface RecordText extends HashedFields {
  readonly seq: number;
  readonly atSeconds: number;
  readonly hash: string;
}

/**
 * SHA-256, hexadecimal, over netstrings (LENGTH ":" OCTETS ","), one a field: the chain's name, seq and at in decimal,
 * actor, kind, the list (empty: none; otherwise "=" and its name), data, previousHash. No two records have one encoding.
 */
export function recordHash({ seq, atSeconds, actor, kind, list, dataText, previousHash }: HashedFields): string {
  const listText = list === null ? '' : `=${list}`;
  const fields = [CHAIN_NAME, String(seq), String(atSeconds), actor, kind, listText, dataText, previousHash];
  return hash('sha256', fields.map((field) => `${Buffer.byteLength(field)}:${field},`).join(''), 'hex');
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
