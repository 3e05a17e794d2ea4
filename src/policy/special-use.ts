/**
 * Answers queries for special-use names in place, so that no upstream is asked for them (special-use-names.ts is the
 * table). Behind the policy on the query path: what a list says of such a name comes first. RFC 6761, 6303, 7686, 9462;
 * RFC 8482 for ANY.
 */
import { OPT_BYTES, UDP_PAYLOAD_BYTES_DEFAULT, writeOptRecord } from '../dns/edns.ts';
import { HeaderFlag, Rcode, RecordClass, RecordType } from '../dns/iana.ts';
import { FOLD, LABELS_MAX, labelStartsOf, nameFromText } from '../dns/name.ts';
import { soaRecord } from '../dns/negative-answer.ts';
import { writeUint16, writeUint32 } from '../dns/patch.ts';
import type { QueryView } from '../dns/query-view.ts';
import { addressOctets } from './address.ts';
import { type DesignatedResolver, designationRecords, NOT_DESIGNATED } from './designated-resolver.ts';
import {
  POINTER_BYTES,
  addressRecords,
  appendRecordAt,
  appendRecords,
  questionBytes,
  setAdditionalCount,
  writeAnswerHeader,
  writeTruncated,
} from './local-answer.ts';
import { hashSuffixes } from './name-hash.ts';
import { NameSetBuilder } from './name-set-builder.ts';
import { NameSet } from './name-set.ts';
import { SPECIAL_USE_NAMES } from './special-use-names.ts';
import type { SpecialUseGroup, SpecialUseKind, SpecialUseName } from './special-use-names.ts';

/** What `find` returns for a name that is not special. */
export const NOT_SPECIAL = -1;

/** As RFC 6303 3 has it; the other is our own choice. */
const EMPTY_ZONE_TTL_SECONDS = 10_800;
const LOCAL_TTL_SECONDS = 3600;
/** The names are public and few: no one gains by colliding. */
const SEED = 1;

const NO_RECORDS = new Uint8Array(0);
/** Octets of the first label of _dns.resolver.arpa, with its length. */
const DNS_LABEL = [4, 0x5f, 0x64, 0x6e, 0x73];
const LOOPBACK = ['127.0.0.1', '::1'].map((text) => addressOctets(text) ?? NO_RECORDS);
const LOOPBACK_A = addressRecords(RecordType.A, LOOPBACK, LOCAL_TTL_SECONDS);
const LOOPBACK_AAAA = addressRecords(RecordType.AAAA, LOOPBACK, LOCAL_TTL_SECONDS);

interface SpecialZone {
  readonly name: string;
  readonly kind: SpecialUseKind;
  readonly labelCount: number;
  /** From behind the owner name on. */
  readonly soa: Uint8Array;
  /** From behind the owner name on; empty unless kind is emptyZone. */
  readonly ns: Uint8Array;
}

export class SpecialUse {
  readonly #zones: readonly SpecialZone[];
  readonly #set: NameSet;
  readonly #hashes = new Uint32Array(LABELS_MAX);
  readonly #udpPayloadBytes: number;
  #designation = NOT_DESIGNATED;

  constructor(groups: Readonly<Record<SpecialUseGroup, boolean>>, udpPayloadBytes = UDP_PAYLOAD_BYTES_DEFAULT) {
    this.#udpPayloadBytes = udpPayloadBytes;
    const names = SPECIAL_USE_NAMES.filter((entry) => groups[entry.group]);
    const builder = new NameSetBuilder({ entriesExpected: names.length, seed: SEED });
    this.#zones = names.map((entry, index) => {
      const name = nameFromText(entry.name) ?? NO_RECORDS;
      // Why word 0: this set is read here only, so that its one "rule" is the position in #zones.
      builder.add(name, 0, index, 0);
      return zoneOf(entry, name);
    });
    this.#set = new NameSet(builder.build());
  }

  /** Says which encrypted listeners _dns.resolver.arpa announces; undefined: none. */
  designate(resolver: DesignatedResolver | undefined): void {
    this.#designation = resolver === undefined ? NOT_DESIGNATED : designationRecords(resolver);
  }

  /**
   * Position of the special name that the qname is or is below, for `write`; NOT_SPECIAL for any other.
   * Cost: hot path; a look at the last label for nearly every query.
   */
  find(query: QueryView): number {
    const { bytes, qnameStart, labelStarts, labelCount } = query;
    if (labelCount === 0 || !mayBeSpecial(query)) return NOT_SPECIAL;
    hashSuffixes(bytes, qnameStart, labelStarts, labelCount, SEED, this.#hashes);
    for (let label = 0; label < labelCount; label++) {
      const offset = this.#set.find(this.#hashes[label]!, bytes, qnameStart + labelStarts[label]!);
      if (offset < 0) continue;
      const index = this.#set.rules[offset + 1]!;
      return label > 0 && this.#zones[index]!.kind === 'canary' ? NOT_SPECIAL : index;
    }
    return NOT_SPECIAL;
  }

  /** The special name at a position that `find` returned, for logs. */
  nameAt(index: number): string {
    return this.#zones[index]?.name ?? '';
  }

  /**
   * Writes the response over the query and returns its octets.
   * @param index what `find` returned for this query
   * @param bytesMax the response may have, never more than the buffer has room for behind `query.start`
   */
  write(query: QueryView, index: number, bytesMax: number): number {
    const zone = this.#zones[index]!;
    const zoneLabel = query.labelCount - zone.labelCount;
    if (zone.kind === 'emptyZone') return this.#emptyZone(query, zone, zoneLabel, bytesMax);
    if (zone.kind === 'loopback') return this.#loopback(query, zone, zoneLabel, bytesMax);
    if (zone.kind === 'designation' && this.#isDesignationAsked(query, zoneLabel))
      return this.#designate(query, bytesMax);
    const rcode = zone.kind === 'designation' ? Rcode.NOERROR : Rcode.NXDOMAIN;
    return this.#negative(query, rcode, zone, zoneLabel, 0, bytesMax);
  }

  #loopback(query: QueryView, zone: SpecialZone, zoneLabel: number, bytesMax: number): number {
    const { qtype } = query;
    const records = qtype === RecordType.A ? LOOPBACK_A : qtype === RecordType.AAAA ? LOOPBACK_AAAA : NO_RECORDS;
    if (records.length === 0) return this.#negative(query, Rcode.NOERROR, zone, zoneLabel, 0, bytesMax);
    if (!this.#fits(query, records.length, bytesMax)) return this.#truncated(query, bytesMax);
    writeAnswerHeader(query, Rcode.NOERROR, 1, 0);
    return this.#end(query, Rcode.NOERROR, appendRecords(query, query.questionEnd, records));
  }

  /** "_dns.resolver.arpa", type SVCB, and something to announce. */
  #isDesignationAsked({ bytes, qnameStart, qtype }: QueryView, zoneLabel: number): boolean {
    if (this.#designation.count === 0 || qtype !== RecordType.SVCB || zoneLabel !== 1) return false;
    return DNS_LABEL.every((octet, index) => FOLD[bytes[qnameStart + index]!] === octet);
  }

  #designate(query: QueryView, bytesMax: number): number {
    const { count, records, additional, additionalCount } = this.#designation;
    if (!this.#fits(query, records.length, bytesMax)) return this.#truncated(query, bytesMax);
    writeAnswerHeader(query, Rcode.NOERROR, count, 0);
    let end = appendRecords(query, query.questionEnd, records);
    if (additionalCount > 0 && this.#fits(query, records.length + additional.length, bytesMax)) {
      setAdditionalCount(query, additionalCount);
      end = appendRecords(query, end, additional);
    }
    return this.#end(query, Rcode.NOERROR, end);
  }

  /** A zone that we are the authority of: SOA and NS at its apex, nothing else. Source: RFC 6303 3. */
  #emptyZone(query: QueryView, zone: SpecialZone, zoneLabel: number, bytesMax: number): number {
    if (zoneLabel > 0) return this.#negative(query, Rcode.NXDOMAIN, zone, zoneLabel, HeaderFlag.AA, bytesMax);
    const { qtype } = query;
    const record =
      qtype === RecordType.SOA || qtype === RecordType.ANY ? zone.soa : qtype === RecordType.NS ? zone.ns : NO_RECORDS;
    if (record.length === 0) return this.#negative(query, Rcode.NOERROR, zone, zoneLabel, HeaderFlag.AA, bytesMax);
    if (!this.#fits(query, POINTER_BYTES + record.length, bytesMax)) return this.#truncated(query, bytesMax);
    writeAnswerHeader(query, Rcode.NOERROR, 1, 0, HeaderFlag.AA);
    return this.#end(query, Rcode.NOERROR, appendRecordAt(query, query.questionEnd, zoneLabel, record));
  }

  #negative(
    query: QueryView,
    rcode: number,
    zone: SpecialZone,
    zoneLabel: number,
    extraFlags: number,
    bytesMax: number,
  ): number {
    if (!this.#fits(query, POINTER_BYTES + zone.soa.length, bytesMax)) return this.#truncated(query, bytesMax);
    writeAnswerHeader(query, rcode, 0, 1, extraFlags);
    return this.#end(query, rcode, appendRecordAt(query, query.questionEnd, zoneLabel, zone.soa));
  }

  #fits(query: QueryView, recordsBytes: number, bytesMax: number): boolean {
    return questionBytes(query) + recordsBytes + (query.hasEdns ? OPT_BYTES : 0) <= bytesMax;
  }

  #truncated(query: QueryView, bytesMax: number): number {
    return writeTruncated(query, Rcode.NOERROR, this.#udpPayloadBytes, bytesMax);
  }

  #end(query: QueryView, rcode: number, recordsEnd: number): number {
    if (!query.hasEdns) return recordsEnd - query.start;
    return writeOptRecord(query.bytes, recordsEnd, this.#udpPayloadBytes, rcode, query.dnssecOk) - query.start;
  }
}

/** Whether the last label is one of the table's; for the two big TLDs there, whether the length is right as well. */
function mayBeSpecial(query: QueryView): boolean {
  const { bytes, labelCount } = query;
  const start = query.qnameStart + query.labelStarts[labelCount - 1]!;
  const first = FOLD[bytes[start + 1]!];
  switch (bytes[start]) {
    case 3: // com, net
      return (labelCount === 3 && (query.qnameBytes === 17 || query.qnameBytes === 20)) || query.qnameBytes === 25;
    case 4:
      return first === 0x61 || first === 0x74; // arpa, test
    case 5:
      return first === 0x6f; // onion
    case 7:
      return first === 0x69; // invalid
    case 9:
      return first === 0x6c; // localhost
    default:
      return false;
  }
}

function zoneOf(entry: SpecialUseName, name: Uint8Array): SpecialZone {
  const { kind } = entry;
  const labelCount = labelStartsOf(name, 0, new Uint8Array(LABELS_MAX));
  if (kind !== 'emptyZone') {
    return { name: entry.name, kind, labelCount, soa: soaRecord({ ttlSeconds: LOCAL_TTL_SECONDS }), ns: NO_RECORDS };
  }
  // "@ 10800 IN SOA @ nobody.invalid. ..." and "@ 10800 IN NS @" (RFC 6303 3).
  const soa = soaRecord({ ttlSeconds: EMPTY_ZONE_TTL_SECONDS, mname: entry.name });
  const ns = new Uint8Array(10 + name.length);
  writeUint16(ns, 0, RecordType.NS);
  writeUint16(ns, 2, RecordClass.IN);
  writeUint32(ns, 4, EMPTY_ZONE_TTL_SECONDS);
  writeUint16(ns, 8, name.length);
  ns.set(name, 10);
  return { name: entry.name, kind, labelCount, soa, ns };
}
