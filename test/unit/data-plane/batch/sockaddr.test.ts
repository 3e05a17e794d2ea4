import { expect, it } from 'vitest';
import { sockaddrBytes, sockaddrHost, sockaddrPort, writeSockaddr } from '../../../../src/data-plane/batch/sockaddr.ts';

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8::7', '2001:db8:0:0:0:0:0:7'],
  ['fe80::1%3', 'fe80:0:0:0:0:0:0:1%3'],
  // An index above 16 bits: a machine whose containers come and go gets there.
  ['fe80::1%70000', 'fe80:0:0:0:0:0:0:1%70000'],
  ['fe80::1%4294967295', 'fe80:0:0:0:0:0:0:1%4294967295'],
])('%s is read back as it was written', (host, text) => {
  const isV6 = host.includes(':');
  const bytes = new Uint8Array(5 + sockaddrBytes(isV6)).fill(0xee);
  expect(writeSockaddr(bytes, 5, isV6, host, 5353)).toBe(true);
  expect(sockaddrHost(bytes, 5, isV6)).toBe(text);
  expect(sockaddrPort(bytes, 5)).toBe(5353);
  expect(writeSockaddr(bytes, 5, !isV6, host, 5353)).toBe(false);
});
