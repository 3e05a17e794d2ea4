/** Socket addresses in the system's own form (sockaddr_in, sockaddr_in6), which a batch passes on without reading. */
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { writeAddress } from '../../policy/address.ts';
import { SOCKADDR_IN6_BYTES, SOCKADDR_IN_BYTES } from './libc.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const IPV4_OFFSET = 4;
const IPV6_OFFSET = 8;
const SCOPE_OFFSET = 24;
/** Where an IPv4 address stands in the 16 octets of client-address.ts. */
const MAPPED_OFFSET = 12;
const scratch = new Uint8Array(16);

export function sockaddrBytes(isV6: boolean): number {
  return isV6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES;
}

/**
 * Writes the sockaddr of an address literal; the kernel must know the interface of a link-local one (`fe80::1%eth0`).
 * Errors: returns false where `host` is no literal of the family.
 */
export function writeSockaddr(out: Uint8Array, offset: number, isV6: boolean, host: string, port: number): boolean {
  if (host.includes(':') !== isV6 || !writeAddress(host, scratch)) return false;
  out.fill(0, offset, offset + sockaddrBytes(isV6));
  // Host byte order: both supported machines are little endian.
  out[offset] = isV6 ? AF_INET6 : AF_INET;
  out[offset + 2] = port >>> 8;
  out[offset + 3] = port;
  if (isV6) {
    out.set(scratch, offset + IPV6_OFFSET);
    const scopeId = scopeOf(host);
    for (let i = 0; i < 4; i++) out[offset + SCOPE_OFFSET + i] = scopeId >>> (8 * i);
  } else for (let i = 0; i < 4; i++) out[offset + IPV4_OFFSET + i] = scratch[MAPPED_OFFSET + i]!;
  return true;
}

/** The interface index that an address's zone stands for; 0 without a zone. */
function scopeOf(address: string): number {
  const percent = address.indexOf('%');
  if (percent < 0) return 0;
  const zone = address.slice(percent + 1);
  const index = Number(zone);
  if (Number.isInteger(index)) return index;
  return networkInterfaces()[zone]?.find(isLinkLocal)?.scopeid ?? 0;
}

/** Why not every IPv6 address: an interface's global ones have scope 0, which bind(2) refuses beside a link-local one. */
function isLinkLocal(address: NetworkInterfaceInfo): boolean {
  return address.family === 'IPv6' && address.scopeid !== 0;
}

/** Copies the address out of a sockaddr into 16 octets; for IPv4 the first twelve are the caller's. */
export function readSockaddrAddress(bytes: Uint8Array, offset: number, isV6: boolean, out: Uint8Array): void {
  if (isV6) for (let i = 0; i < 16; i++) out[i] = bytes[offset + IPV6_OFFSET + i]!;
  else for (let i = 0; i < 4; i++) out[MAPPED_OFFSET + i] = bytes[offset + IPV4_OFFSET + i]!;
}

export function sockaddrPort(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}

/** As text, for node:dgram. */
export function sockaddrHost(bytes: Uint8Array, offset: number, isV6: boolean): string {
  if (!isV6) return bytes.subarray(offset + IPV4_OFFSET, offset + IPV4_OFFSET + 4).join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push(((bytes[offset + IPV6_OFFSET + i]! << 8) | bytes[offset + IPV6_OFFSET + i + 1]!).toString(16));
  }
  let scopeId = 0;
  for (let i = 3; i >= 0; i--) scopeId = scopeId * 256 + bytes[offset + SCOPE_OFFSET + i]!;
  return groups.join(':') + (scopeId === 0 ? '' : `%${scopeId}`);
}
