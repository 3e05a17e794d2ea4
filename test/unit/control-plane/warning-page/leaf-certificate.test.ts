import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { der, derValues, objectIdentifier, utcTime } from '../../../../src/control-plane/warning-page/der.ts';
import { LEAF_LIFE_MS, makeLeaf, readAuthority } from '../../../../src/control-plane/warning-page/leaf-certificate.ts';
import { CA, fixture } from '../../../support/tls-fixture.ts';

const authority = readAuthority(CA, fixture('ca-key.pem'));
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const NOW_MS = Date.UTC(2030, 0, 31, 12, 30, 5);

describe('a certificate for a blocked name', () => {
  const certificate = new X509Certificate(makeLeaf(authority, publicKey, 'login.bad.example', NOW_MS));
  const issuer = new X509Certificate(CA);

  it('is signed by the authority, for the key', () => {
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
  });

  it('is for that name and no other, and for a server', () => {
    expect(certificate.checkHost('login.bad.example')).toBe('login.bad.example');
    expect(certificate.checkHost('bad.example')).toBeUndefined();
    expect(certificate.checkHost('x.login.bad.example')).toBeUndefined();
    expect(certificate.subjectAltName).toBe('DNS:login.bad.example');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.ca).toBe(false);
  });

  it('lives for a day, from a little before now', () => {
    expect(certificate.validFromDate.getTime()).toBe(NOW_MS - 3_600_000);
    expect(certificate.validToDate.getTime()).toBe(NOW_MS + LEAF_LIFE_MS);
  });

  it('has a positive number that is another each time', () => {
    const other = new X509Certificate(makeLeaf(authority, publicKey, 'login.bad.example', NOW_MS));
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(other.serialNumber).not.toBe(certificate.serialNumber);
  });

  it.each(['a_b.bad.example', `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.example`])(
    'may be for %s',
    (name) => {
      const found = new X509Certificate(makeLeaf(authority, publicKey, name, NOW_MS));
      expect(found.subjectAltName).toBe(`DNS:${name}`);
    },
  );
});

describe('DER', () => {
  it.each([0, 1, 127, 128, 255, 256, 65_535])('a value of %d octets is read back', (length) => {
    const [value, ...rest] = derValues(der(4, Buffer.alloc(length, 7)));
    expect([value!.tag, value!.content.length, rest]).toEqual([4, length, []]);
    expect(() => der(4, Buffer.alloc(65_536))).toThrow(RangeError);
  });

  it('identifiers and times are as X.690 and RFC 5280 have them', () => {
    expect(objectIdentifier('1.2.840.10045.4.3.2').toString('hex')).toBe('06082a8648ce3d040302');
    expect(utcTime(NOW_MS).toString('latin1', 2)).toBe('300131123005Z');
  });

  it('a value that does not fit is refused', () => {
    expect(() => derValues(Buffer.of(0x30, 5, 1))).toThrow(RangeError);
    expect(() => derValues(Buffer.of(0x30, 0x84, 0, 0, 0, 1, 1))).toThrow(RangeError);
  });
});
