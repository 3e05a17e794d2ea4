import { describe, expect, it } from 'vitest';
import { ClientDigest } from '../../../../src/control-plane/event-log/client-digest.ts';
import { ADDRESS_BYTES, writeAddress } from '../../../../src/policy/address.ts';

const ROTATION_MS = 60_000;

function octetsOf(address: string): Uint8Array {
  const octets = new Uint8Array(ADDRESS_BYTES);
  expect(writeAddress(address, octets)).toBe(true);
  return octets;
}

function hashed(rotationMs = ROTATION_MS) {
  const digest = new ClientDigest('hashed', rotationMs);
  return (address: string, nowMs = 1000) => digest.of(octetsOf(address), nowMs);
}

describe('a client in the event log', () => {
  it('is the same hash for the same subscriber: an IPv4 address, an IPv6 /64', () => {
    const of = hashed();
    expect(of('192.0.2.1')).toMatch(/^[0-9a-f]{16}$/);
    expect(of('192.0.2.1')).toBe(of('192.0.2.1'));
    expect(of('2001:db8::1')).toBe(of('2001:db8::ffff:1'));
    const others = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8:0:1::1'];
    expect(new Set(others.map((address) => of(address))).size).toBe(others.length);
  });

  it('is another hash once the key has changed, and in another process', () => {
    const of = hashed();
    const before = of('192.0.2.1', 1000);
    expect(of('192.0.2.1', 1000 + ROTATION_MS - 1)).toBe(before);
    expect(of('192.0.2.1', 1000 + ROTATION_MS)).not.toBe(before);
    expect(hashed()('192.0.2.1')).not.toBe(before);
  });

  it('is the address where the configuration asks for it, and nothing where it asks for nothing', () => {
    const raw = new ClientDigest('raw', ROTATION_MS);
    expect(raw.of(octetsOf('192.0.2.1'), 0)).toBe('192.0.2.1');
    expect(raw.of(octetsOf('2001:db8::ff'), 0)).toBe('2001:db8:0:0:0:0:0:ff');
    expect(new ClientDigest('none', ROTATION_MS).of(octetsOf('192.0.2.1'), 0)).toBeUndefined();
  });

  it.each(['hashed', 'raw'] as const)('is nothing where it is not known: %s', (mode) => {
    expect(new ClientDigest(mode, ROTATION_MS).of(new Uint8Array(ADDRESS_BYTES), 0)).toBeUndefined();
  });
});
