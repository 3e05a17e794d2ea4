/**
 * The pieces that every answer of our own is made of: written into the query's own buffer behind its question, id and
 * question left as sent. block-answer.ts and special-use.ts put them together; nothing here decides anything or
 * allocates. What stood behind the question, the query's OPT record, is overwritten: read it before.
 * RFC 1035 4.1; RFC 6891 7.
 */
import { OPT_BYTES, writeOptRecord } from '../dns/edns.ts';
import { HEADER_BYTES, HeaderFlag, RecordClass, RecordType } from '../dns/iana.ts';
import { responseFlags, setCounts, setFlags, writeUint16, writeUint32 } from '../dns/patch.ts';
import type { QueryView } from '../dns/query-view.ts';

/** Octets of a compression pointer. */
export const POINTER_BYTES = 2;
const POINTER = 0xc000;
const ADDITIONAL_COUNT_OFFSET = 10;
const RECORD_FIXED_BYTES = POINTER_BYTES + 10;

/** Octets of the header and question, where records begin. */
export function questionBytes(query: QueryView): number {
  return query.questionEnd - query.start;
}

/** Writes flags and section counts; ARCOUNT is 1 where the query has EDNS. */
export function writeAnswerHeader(
  query: QueryView,
  rcode: number,
  answers: number,
  authorities: number,
  extraFlags = 0,
): void {
  setFlags(query.bytes, query.start, responseFlags(query.flags, rcode) | extraFlags);
  setCounts(query.bytes, query.start, 1, answers, authorities, query.hasEdns ? 1 : 0);
}

/** Of the records before the OPT record, which is counted as well where there will be one. */
export function setAdditionalCount({ bytes, start, hasEdns }: QueryView, records: number): void {
  writeUint16(bytes, start + ADDITIONAL_COUNT_OFFSET, records + (hasEdns ? 1 : 0));
}

/** Copies whole records to `end`; returns the new end. */
export function appendRecords(query: QueryView, end: number, records: Uint8Array): number {
  query.bytes.set(records, end);
  return end + records.length;
}

/**
 * Writes a record whose owner is the qname from label `ownerLabel` on.
 * @param record the octets from behind the owner name on, such as soaRecord makes
 */
export function appendRecordAt(query: QueryView, end: number, ownerLabel: number, record: Uint8Array): number {
  writeUint16(query.bytes, end, qnamePointer(query, ownerLabel));
  query.bytes.set(record, end + POINTER_BYTES);
  return end + POINTER_BYTES + record.length;
}

/** A compression pointer to the qname's label `label`, wherever in its buffer the query lies. */
function qnamePointer(query: QueryView, label: number): number {
  return POINTER | (HEADER_BYTES + query.labelStarts[label]!);
}

/** Header, question and OPT record with TC set: the answer where no other fits. 0 if not even that does. */
export function writeTruncated(query: QueryView, rcode: number, udpPayloadBytes: number, bytesMax: number): number {
  const bytes = questionBytes(query) + (query.hasEdns ? OPT_BYTES : 0);
  if (bytes > bytesMax) return 0;
  writeAnswerHeader(query, rcode, 0, 0, HeaderFlag.TC);
  if (query.hasEdns) writeOptRecord(query.bytes, query.questionEnd, udpPayloadBytes, rcode, query.dnssecOk);
  return bytes;
}

/**
 * The records of the addresses that are of the family of `type`, A or AAAA, owned by the qname: a pointer to the start
 * of the question. Prepared once.
 */
export function addressRecords(type: number, addresses: readonly Uint8Array[], ttlSeconds: number): Uint8Array {
  const rdataBytes = type === RecordType.A ? 4 : 16;
  const ofFamily = addresses.filter((address) => address.length === rdataBytes);
  const records = new Uint8Array(ofFamily.length * (RECORD_FIXED_BYTES + rdataBytes));
  let at = 0;
  for (const address of ofFamily) {
    writeUint16(records, at, POINTER | HEADER_BYTES);
    writeUint16(records, at + 2, type);
    writeUint16(records, at + 4, RecordClass.IN);
    writeUint32(records, at + 6, ttlSeconds);
    writeUint16(records, at + 10, rdataBytes);
    records.set(address, at + RECORD_FIXED_BYTES);
    at += RECORD_FIXED_BYTES + rdataBytes;
  }
  return records;
}

/** How many records addressRecords made. */
export function addressRecordCount(type: number, records: Uint8Array): number {
  return records.length / (RECORD_FIXED_BYTES + (type === RecordType.A ? 4 : 16));
}
