import { array, assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HEADER_INCOMPLETE,
  HEADER_MALFORMED,
  PROXY_HEADER_BYTES_MAX,
  ProxyHeader,
  readProxyHeader,
} from '../../../../src/data-plane/listener/proxy-header.ts';
import { concat, hex, words } from '../../../support/wire.ts';

const SIGNATURE = hex('0d0a0d0a000d0a515549540a');
const IPV4 = hex('c6336407 c0000235 d431 0035');
const IPV6 = hex('20010db8000000000000000000000007 20010db8000000000000000000000035 d431 0035');

function header(command: number, family: number, body: Uint8Array): Uint8Array {
  return concat(SIGNATURE, Uint8Array.of(command, family), words(body.length), body);
}

/** The length that is read, and the client. */
function read(bytes: Uint8Array): [number, string] {
  const into = new ProxyHeader();
  const length = readProxyHeader(into, concat(Uint8Array.of(1, 2, 3), bytes), 3, 3 + bytes.length);
  return [length, length <= 0 ? '' : into.isLocal ? 'local' : Buffer.from(into.client).toString('hex')];
}

describe('a PROXY header, version 2', () => {
  it.each([
    ['IPv4 over UDP', header(0x21, 0x12, IPV4), '00000000000000000000ffffc6336407'],
    ['IPv4 over TCP', header(0x21, 0x11, IPV4), '00000000000000000000ffffc6336407'],
    ['IPv6 over UDP', header(0x21, 0x22, IPV6), '20010db8000000000000000000000007'],
    [
      'with TLVs behind',
      header(0x21, 0x12, concat(IPV4, hex('04 0003 000000 20 0001 07'))),
      '00000000000000000000ffffc6336407',
    ],
    ['LOCAL', header(0x20, 0x00, hex('')), 'local'],
    ['LOCAL with an address, which is not meant', header(0x20, 0x12, IPV4), 'local'],
    ['of a family that it does not say', header(0x21, 0x00, hex('04 0000')), 'local'],
  ])('%s', (_, bytes, client) => {
    expect(read(bytes)).toEqual([bytes.length, client]);
    expect(read(concat(bytes, hex('abcdef')))).toEqual([bytes.length, client]);
    for (let length = 0; length < bytes.length; length++) {
      expect(read(bytes.subarray(0, length))).toEqual([HEADER_INCOMPLETE, '']);
    }
  });

  it.each([
    ['of version 1', Buffer.from('PROXY TCP4 198.51.100.7 192.0.2.53 54321 53\r\n', 'latin1')],
    ['of another version', header(0x31, 0x12, IPV4)],
    ['with an unknown command', header(0x22, 0x12, IPV4)],
    ['of a UNIX socket', header(0x21, 0x31, new Uint8Array(216))],
    ['whose addresses are cut', header(0x21, 0x12, IPV4.subarray(0, 11))],
    ['whose IPv6 addresses are cut', header(0x21, 0x22, IPV6.subarray(0, 35))],
    ['longer than any balancer’s', header(0x21, 0x12, new Uint8Array(PROXY_HEADER_BYTES_MAX - 15))],
    ['which is a query instead', hex('1234 0100 0001 0000 0000 0000 00 0001 0001')],
  ])('%s is malformed', (_, bytes) => {
    expect(read(bytes)).toEqual([HEADER_MALFORMED, '']);
  });

  it('of any octets leads nowhere beyond them', () => {
    assert(
      property(uint8Array({ maxLength: 80 }), array(integer({ min: 0, max: 16 }), { maxLength: 1 }), (rest, cut) => {
        const bytes = concat(SIGNATURE.subarray(0, cut[0] ?? 12), rest);
        const [length] = read(bytes);
        return length === HEADER_MALFORMED || (length >= 0 && length <= bytes.length);
      }),
    );
  });
});
