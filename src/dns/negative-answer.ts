/**
 * The SOA record that lets a resolver downstream keep a negative answer for as long as we say. Made once, at the start;
 * the query path writes an owner name (a pointer into the question) and copies these bytes behind it.
 * RFC 2308 3 and 5; RFC 1035 3.3.13; RFC 6761 6.4 (invalid. exists nowhere).
 */
import { RecordClass, RecordType } from './iana.ts';
import { nameFromText } from './name.ts';
import { writeUint16, writeUint32 } from './patch.ts';

const SERIAL = 1;
const REFRESH_SECONDS = 3600;
const RETRY_SECONDS = 600;
const EXPIRE_SECONDS = 86_400;
const FIXED_BYTES = 10;
const NUMBERS_BYTES = 20;

export interface SoaFields {
  /** TTL of the record and its MINIMUM both: "set from the minimum of" the two (RFC 2308 3). */
  readonly ttlSeconds: number;
  readonly mname?: string;
  readonly rname?: string;
  readonly serial?: number;
}

/**
 * The octets of a SOA record from behind its owner name on: type, class, TTL, RDLENGTH, RDATA.
 * Errors: throws on a name that is none; the names are the program's own.
 */
export function soaRecord(fields: SoaFields): Uint8Array {
  const mname = wireName(fields.mname ?? 'weir.invalid.');
  const rname = wireName(fields.rname ?? 'nobody.invalid.');
  const rdataBytes = mname.length + rname.length + NUMBERS_BYTES;
  const record = new Uint8Array(FIXED_BYTES + rdataBytes);
  writeUint16(record, 0, RecordType.SOA);
  writeUint16(record, 2, RecordClass.IN);
  writeUint32(record, 4, fields.ttlSeconds);
  writeUint16(record, 8, rdataBytes);
  record.set(mname, FIXED_BYTES);
  record.set(rname, FIXED_BYTES + mname.length);
  const numbers = FIXED_BYTES + mname.length + rname.length;
  writeUint32(record, numbers, fields.serial ?? SERIAL);
  writeUint32(record, numbers + 4, REFRESH_SECONDS);
  writeUint32(record, numbers + 8, RETRY_SECONDS);
  writeUint32(record, numbers + 12, EXPIRE_SECONDS);
  writeUint32(record, numbers + 16, fields.ttlSeconds);
  return record;
}

function wireName(text: string): Uint8Array {
  const name = nameFromText(text);
  if (name === undefined) throw new Error(`not a domain name: ${text}`);
  return name;
}
