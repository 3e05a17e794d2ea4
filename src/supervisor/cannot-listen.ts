/** The sentence for an address that cannot be bound: where, why, and what to do about it. */
import type { BindFailure } from '../config/bind-failure.ts';
import type { SocketAddress } from '../config/config.ts';

export function addressText({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function cannotListen({ key, address, code, message }: BindFailure): string {
  const where = `cannot listen on ${addressText(address)}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${where}: another program has that port; stop it (ss -lntup shows it) or change ${key}`;
    case 'EACCES':
      return `${where}: not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return `${where}: this machine has no such address; change ${key}`;
    default:
      return `${where}: ${message}`;
  }
}

/** Whether the others may be served without this address: a machine without IPv6 still has its IPv4 ones. */
export function isMissingAddress({ code }: BindFailure): boolean {
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}
