/**
 * The records that tell a client which encrypted listeners stand for the resolver it asks: the SVCB RRset of
 * _dns.resolver.arpa. Made once, when listeners or certificate change; special-use.ts writes it behind a question.
 * RFC 9462 4, RFC 9461 (SVCB for DNS), RFC 9460 2.2 (wire format).
 */
import { RecordClass, RecordType } from '../dns/iana.ts';
import { nameFromText } from '../dns/name.ts';
import { writeUint16, writeUint32 } from '../dns/patch.ts';
import { addressOctets } from './address.ts';

export interface EncryptedAddress {
  readonly host: string;
  readonly port: number;
}

export interface DesignatedResolver {
  /** The name in the certificate. */
  readonly name: string;
  readonly dot: readonly EncryptedAddress[];
  readonly doh: readonly EncryptedAddress[];
}

export interface DesignationRecords {
  readonly count: number;
  /** Each behind a pointer to the qname. */
  readonly records: Uint8Array;
  /** Addresses of the name in the certificate, for the additional section; they may be left out. */
  readonly additionalCount: number;
  readonly additional: Uint8Array;
}

const NO_OCTETS = new Uint8Array(0);
export const NOT_DESIGNATED: DesignationRecords = {
  count: 0,
  records: NO_OCTETS,
  additionalCount: 0,
  additional: NO_OCTETS,
};

/** As long as a certificate's change may take to be known. */
const TTL_SECONDS = 300;
const NAME_POINTER_TO_QUESTION = 0xc00c;
const POINTER_BYTES = 2;
const RECORD_FIXED_BYTES = POINTER_BYTES + 10;
const PARAMETER_HEADER_BYTES = 4;
/** "dohpath ... is a URI Template" (RFC 9461 5). */
const DOH_PATH = '/dns-query{?dns}';
const IPV4_BYTES = 4;

/** SvcParamKeys (RFC 9460 14.3.2, RFC 9461 5); "in order of ascending SvcParamKey" (RFC 9460 2.2). */
const SvcParam = { alpn: 1, port: 3, ipv4hint: 4, ipv6hint: 6, dohpath: 7 } as const;

/** No records where nothing is to be announced: without a name clients could not verify what they are told. */
export function designationRecords({ name, dot, doh }: DesignatedResolver): DesignationRecords {
  const target = nameFromText(name);
  if (target === undefined || target.length <= 1) return NOT_DESIGNATED;
  const records = [
    ...byPort(doh).map(({ port, hosts }) => parameters('h2', port, hosts, DOH_PATH)),
    ...byPort(dot).map(({ port, hosts }) => parameters('dot', port, hosts)),
  ].map((params, index) => record(index + 1, target, params));
  // "the recursive resolver SHOULD add ... A and AAAA records for TargetName to the Additional section" (RFC 9460 4.2).
  const addresses = reachable([...new Set([...doh, ...dot].map(({ host }) => host))]);
  const additional = addresses.map((octets) => addressRecord(target, octets));
  return {
    count: records.length,
    records: concat(records),
    additionalCount: additional.length,
    additional: concat(additional),
  };
}

/** Addresses that share a port share a record. */
function byPort(addresses: readonly EncryptedAddress[]): { port: number; hosts: string[] }[] {
  const ports = new Map<number, string[]>();
  for (const { host, port } of addresses) ports.set(port, [...(ports.get(port) ?? []), host]);
  return [...ports].map(([port, hosts]) => ({ port, hosts }));
}

function parameters(protocol: string, port: number, hosts: readonly string[], path?: string): Uint8Array {
  const hints = reachable(hosts);
  const v4 = concat(hints.filter(({ length }) => length === IPV4_BYTES));
  const v6 = concat(hints.filter(({ length }) => length !== IPV4_BYTES));
  const encoder = new TextEncoder();
  return concat([
    parameter(SvcParam.alpn, concat([Uint8Array.of(protocol.length), encoder.encode(protocol)])),
    parameter(SvcParam.port, Uint8Array.of(port >>> 8, port & 0xff)),
    ...(v4.length === 0 ? [] : [parameter(SvcParam.ipv4hint, v4)]),
    ...(v6.length === 0 ? [] : [parameter(SvcParam.ipv6hint, v6)]),
    ...(path === undefined ? [] : [parameter(SvcParam.dohpath, encoder.encode(path))]),
  ]);
}

/** Those of a wildcard are not known here: clients then ask for the name's. */
function reachable(hosts: readonly string[]): Uint8Array[] {
  const known = hosts.map((host) => addressOctets(host)).filter((octets) => octets !== undefined);
  return known.filter((octets) => isReachable(octets));
}

/** Whether others could reach it: no wildcard, no loopback, no link-local address. */
function isReachable(octets: Uint8Array): boolean {
  if (octets.length === IPV4_BYTES) {
    const isLinkLocal = octets[0] === 169 && octets[1] === 254;
    return octets[0] !== 0 && octets[0] !== 127 && !isLinkLocal;
  }
  const isLow = octets.subarray(0, octets.length - 1).every((octet) => octet === 0);
  return !isLow && !(octets[0] === 0xfe && (octets[1]! & 0xc0) === 0x80);
}

function parameter(key: number, value: Uint8Array): Uint8Array {
  const octets = new Uint8Array(PARAMETER_HEADER_BYTES + value.length);
  writeUint16(octets, 0, key);
  writeUint16(octets, 2, value.length);
  octets.set(value, PARAMETER_HEADER_BYTES);
  return octets;
}

function record(priority: number, target: Uint8Array, params: Uint8Array): Uint8Array {
  const rdataBytes = 2 + target.length + params.length;
  const octets = new Uint8Array(RECORD_FIXED_BYTES + rdataBytes);
  writeUint16(octets, 0, NAME_POINTER_TO_QUESTION);
  writeUint16(octets, 2, RecordType.SVCB);
  writeUint16(octets, 4, RecordClass.IN);
  writeUint32(octets, 6, TTL_SECONDS);
  writeUint16(octets, 10, rdataBytes);
  writeUint16(octets, RECORD_FIXED_BYTES, priority);
  // "Names ... TargetName ... MUST NOT be compressed" (RFC 9460 2.2).
  octets.set(target, RECORD_FIXED_BYTES + 2);
  octets.set(params, RECORD_FIXED_BYTES + 2 + target.length);
  return octets;
}

function addressRecord(owner: Uint8Array, address: Uint8Array): Uint8Array {
  const octets = new Uint8Array(owner.length + RECORD_FIXED_BYTES - POINTER_BYTES + address.length);
  const at = owner.length;
  octets.set(owner);
  writeUint16(octets, at, address.length === IPV4_BYTES ? RecordType.A : RecordType.AAAA);
  writeUint16(octets, at + 2, RecordClass.IN);
  writeUint32(octets, at + 4, TTL_SECONDS);
  writeUint16(octets, at + 8, address.length);
  octets.set(address, at + 10);
  return octets;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
