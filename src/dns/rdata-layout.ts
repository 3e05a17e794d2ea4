/**
 * Where the fixed fields, names and character-strings of the known record types lie in their RDATA. response-view.ts
 * checks every record of an upstream's answer against it, rebuild-response.ts finds the compressed names with it. A type
 * that is not here is opaque, as RFC 3597 3 wants.
 * RFC 1035 3.3 and 3.4, and the RFC of each later type; RFC 3597 4 (which types receivers decompress).
 */
import { RecordType } from './iana.ts';
import { expandName, NAME_BYTES_MAX, skipName } from './name.ts';

/** A number: that many octets; name: may be compressed; string: one character-string; strings: one or more to the end. */
export type RdataPart = number | 'name' | 'string' | 'strings' | 'options' | 'rest';

const NAME: readonly RdataPart[] = ['name'];
const PREFERENCE_AND_NAME: readonly RdataPart[] = [2, 'name'];
const SIGNATURE: readonly RdataPart[] = [18, 'name', 'rest'];
const DIGEST: readonly RdataPart[] = [4, 'rest'];
const SERVICE_BINDING: readonly RdataPart[] = [2, 'name', 'options'];
const TEXT: readonly RdataPart[] = ['strings'];

const LAYOUTS: ReadonlyMap<number, readonly RdataPart[]> = new Map<number, readonly RdataPart[]>([
  [RecordType.A, [4]],
  [RecordType.NS, NAME],
  [RecordType.MD, NAME],
  [RecordType.MF, NAME],
  [RecordType.CNAME, NAME],
  [RecordType.SOA, ['name', 'name', 20]],
  [RecordType.MB, NAME],
  [RecordType.MG, NAME],
  [RecordType.MR, NAME],
  [RecordType.PTR, NAME],
  [RecordType.HINFO, ['string', 'string']],
  [RecordType.MINFO, ['name', 'name']],
  [RecordType.MX, PREFERENCE_AND_NAME],
  [RecordType.TXT, TEXT],
  [RecordType.RP, ['name', 'name']],
  [RecordType.AFSDB, PREFERENCE_AND_NAME],
  [RecordType.RT, PREFERENCE_AND_NAME],
  [RecordType.SIG, SIGNATURE],
  [RecordType.PX, [2, 'name', 'name']],
  [RecordType.AAAA, [16]],
  [RecordType.SRV, [6, 'name']],
  [RecordType.NAPTR, [4, 'string', 'string', 'string', 'name']],
  [RecordType.KX, PREFERENCE_AND_NAME],
  [RecordType.DNAME, NAME],
  [RecordType.DS, DIGEST],
  [RecordType.SSHFP, [2, 'rest']],
  [RecordType.RRSIG, SIGNATURE],
  [RecordType.NSEC, ['name', 'rest']],
  [RecordType.DNSKEY, DIGEST],
  [RecordType.NSEC3, [4, 'string', 'string', 'rest']],
  [RecordType.NSEC3PARAM, [4, 'string']],
  [RecordType.TLSA, [3, 'rest']],
  [RecordType.SMIMEA, [3, 'rest']],
  [RecordType.CDS, DIGEST],
  [RecordType.CDNSKEY, DIGEST],
  [RecordType.SVCB, SERVICE_BINDING],
  [RecordType.HTTPS, SERVICE_BINDING],
  [RecordType.SPF, TEXT],
  [RecordType.LP, PREFERENCE_AND_NAME],
  [RecordType.EUI48, [6]],
  [RecordType.EUI64, [8]],
  [RecordType.URI, [4, 'rest']],
  [RecordType.CAA, [1, 'string', 'rest']],
]);

const OPAQUE: readonly RdataPart[] = ['rest'];
const scratchName = new Uint8Array(NAME_BYTES_MAX);

/** The parts of a type's RDATA; one opaque part for an unknown type. */
export function rdataLayout(type: number): readonly RdataPart[] {
  return LAYOUTS.get(type) ?? OPAQUE;
}

/** Whether the RDATA at [start, end) of a message that begins at offset 0 is what its type demands, no octet more. */
export function isRdataWhole(message: Uint8Array, type: number, start: number, end: number): boolean {
  let at = start;
  for (const part of rdataLayout(type)) {
    at = rdataPartEnd(message, part, at, end);
    if (at < 0) return false;
  }
  return at === end;
}

/** The offset behind one part that begins at `at`, or -1 if it does not fit into [at, end). */
export function rdataPartEnd(message: Uint8Array, part: RdataPart, at: number, end: number): number {
  switch (part) {
    case 'name':
      return expandName(message, 0, at, end, scratchName) < 0 ? -1 : skipName(message, at, end);
    case 'string':
      return stringEnd(message, at, end);
    case 'strings':
      return stringsEnd(message, at, end);
    case 'options':
      return optionsEnd(message, at, end);
    case 'rest':
      return end;
    default:
      return at + part <= end ? at + part : -1;
  }
}

function stringEnd(message: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const behind = at + 1 + message[at]!;
  return behind <= end ? behind : -1;
}

function stringsEnd(message: Uint8Array, start: number, end: number): number {
  let at = stringEnd(message, start, end);
  while (at >= 0 && at < end) at = stringEnd(message, at, end);
  return at;
}

/** Pairs of a 16-bit key and a 16-bit length: SvcParams, and the options of an OPT record. */
function optionsEnd(message: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    if (at + 4 > end) return -1;
    at += 4 + ((message[at + 2]! << 8) | message[at + 3]!);
  }
  return at === end ? end : -1;
}
