/**
 * Locates and checks the records of a response: owner names, lengths, the RDATA of the known types, the OPT record. A
 * part of response-view.ts, which says what the records mean. RFC 1035 4.1.3; RFC 6891 6.1.
 */
import { DNSSEC_OK_FLAG, OPTION_HEADER_BYTES } from './edns.ts';
import { EdnsOption, RecordType } from './iana.ts';
import { expandName, NAME_BYTES_MAX, skipName } from './name.ts';
import { readUint16 } from './patch.ts';
import { isRdataWhole } from './rdata-layout.ts';

/** One resource record; offsets are from the message's first octet. */
export interface ResponseRecord {
  /** Lower-case wire-format owner name; empty outside the answer section and for all but SOA records there. */
  readonly owner: Uint8Array;
  readonly start: number;
  readonly type: number;
  /** Offset of the TYPE field, behind the owner name. */
  readonly fixed: number;
  readonly rdataStart: number;
  readonly end: number;
}

export interface OptRecord {
  readonly start: number;
  readonly end: number;
  readonly upperRcode: number;
  readonly version: number;
  readonly udpPayloadBytes: number;
  readonly dnssecOk: boolean;
  readonly extendedError: number | undefined;
}

export interface ResponseRecords {
  readonly answers: ResponseRecord[];
  readonly authorities: ResponseRecord[];
  readonly additionals: ResponseRecord[];
  readonly opt: OptRecord | undefined;
}

const RECORD_FIXED_BYTES = 10;
const NO_NAME = new Uint8Array(0);
const scratchName = new Uint8Array(NAME_BYTES_MAX);

/** What a message without EDNS says. */
export const NO_OPT: OptRecord = {
  start: 0,
  end: 0,
  upperRcode: 0,
  version: 0,
  udpPayloadBytes: 0,
  dnssecOk: false,
  extendedError: undefined,
};
/**
 * Reads every record behind the question, which ends at `start`.
 * Errors: undefined if one is malformed, if octets are left over, or if OPT is not where and as it has to be.
 */
export function readRecords(message: Uint8Array, start: number): ResponseRecords | undefined {
  const answers = readSection(message, start, readUint16(message, 6), () => true);
  if (answers === undefined) return undefined;
  const authorities = readSection(message, answers.end, readUint16(message, 8), isSoa);
  if (authorities === undefined) return undefined;
  const additionals = readSection(message, authorities.end, readUint16(message, 10), () => false);
  // Octets behind the last record belong to nothing.
  if (additionals === undefined || additionals.end !== message.length) return undefined;
  // "The OPT RR MAY be placed anywhere within the additional data section" (RFC 6891 6.1.1), once, and nowhere else.
  if (answers.records.some(isOpt) || authorities.records.some(isOpt)) return undefined;
  const opts = additionals.records.filter(isOpt);
  const opt = opts[0] === undefined ? undefined : readOpt(message, opts[0]);
  if (opts.length > 1 || (opts.length === 1 && opt === undefined)) return undefined;
  return {
    answers: answers.records,
    authorities: authorities.records,
    additionals: additionals.records.filter((record) => !isOpt(record)),
    opt,
  };
}

function isSoa(type: number): boolean {
  return type === RecordType.SOA;
}

function isOpt(record: ResponseRecord): boolean {
  return record.type === RecordType.OPT;
}

function readSection(
  message: Uint8Array,
  start: number,
  count: number,
  wantsOwner: (type: number) => boolean,
): { records: ResponseRecord[]; end: number } | undefined {
  const records: ResponseRecord[] = [];
  let at = start;
  for (let index = 0; index < count; index += 1) {
    const ownerBytes = expandName(message, 0, at, message.length, scratchName);
    const fixed = skipName(message, at, message.length);
    if (ownerBytes < 0 || fixed < 0 || fixed + RECORD_FIXED_BYTES > message.length) return undefined;
    const type = readUint16(message, fixed);
    const rdataStart = fixed + RECORD_FIXED_BYTES;
    const end = rdataStart + readUint16(message, fixed + 8);
    if (end > message.length) return undefined;
    const owner = wantsOwner(type) ? scratchName.slice(0, ownerBytes) : NO_NAME;
    if (!isRdataWhole(message, type, rdataStart, end)) return undefined;
    records.push({ owner, start: at, type, fixed, rdataStart, end });
    at = end;
  }
  return { records, end: at };
}

function readOpt(message: Uint8Array, record: ResponseRecord): OptRecord | undefined {
  // "NAME ... MUST be 0 (root domain)" (RFC 6891 6.1.2).
  if (record.fixed - record.start !== 1) return undefined;
  const { fixed, end } = record;
  let extendedError: number | undefined;
  let at = record.rdataStart;
  while (at < end) {
    const data = at + OPTION_HEADER_BYTES;
    if (data > end) return undefined;
    const dataEnd = data + readUint16(message, at + 2);
    if (dataEnd > end) return undefined;
    if (readUint16(message, at) === EdnsOption.EDE && dataEnd - data >= 2) {
      extendedError ??= readUint16(message, data);
    }
    at = dataEnd;
  }
  return {
    start: record.start,
    end,
    upperRcode: message[fixed + 4]!,
    version: message[fixed + 5]!,
    udpPayloadBytes: readUint16(message, fixed + 2),
    dnssecOk: (readUint16(message, fixed + 6) & DNSSEC_OK_FLAG) !== 0,
    extendedError,
  };
}
