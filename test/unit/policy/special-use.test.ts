import { describe, expect, it } from 'vitest';
import type { DecodedMessage } from '../../../src/dns/codec.ts';
import { HeaderFlag, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { NOT_SPECIAL, SpecialUse } from '../../../src/policy/special-use.ts';
import { SPECIAL_USE_NAMES } from '../../../src/policy/special-use-names.ts';
import { decodeAnswer, layQuery, slotIsCleanOutside } from '../../support/answer-query.ts';

const ALL = {
  reservedNames: true,
  privateReverseZones: true,
  resolverArpa: true,
  firefoxCanary: true,
  applePrivateRelay: true,
};
const special = new SpecialUse(ALL);
const BYTES_MAX = 512;

function find(name: string, use = special): string | undefined {
  const index = use.find(layQuery({ name }).view);
  return index === NOT_SPECIAL ? undefined : use.nameAt(index);
}

function answer(name: string, type: number = RecordType.A, bytesMax = BYTES_MAX): DecodedMessage {
  const { view } = layQuery({ name, type });
  const index = special.find(view);
  expect(index).not.toBe(NOT_SPECIAL);
  const bytes = special.write(view, index, bytesMax);
  expect(bytes).toBeLessThanOrEqual(bytesMax);
  expect(slotIsCleanOutside(view, bytes, bytesMax)).toBe(true);
  return decodeAnswer(view, bytes);
}

function summary({ rcode, answers, authorities }: DecodedMessage): unknown {
  return [rcode, answers.map(({ data }) => data), authorities.map(({ name, type }) => `${name} ${type}`)];
}

describe('finding special-use names', () => {
  it('finds every name of the table, in any letter case', () => {
    const found = SPECIAL_USE_NAMES.map(({ name }) => find(name.toUpperCase()));
    expect(found).toEqual(SPECIAL_USE_NAMES.map(({ name }) => name));
  });

  it.each([
    ['a.b.localhost', 'localhost'],
    ['x.test', 'test'],
    ['4.3.2.10.in-addr.arpa', '10.in-addr.arpa'],
    ['9.31.172.in-addr.arpa', '31.172.in-addr.arpa'],
    ['_dns.resolver.arpa', 'resolver.arpa'],
  ])('finds %s as %s', (name, zone) => {
    expect(find(name)).toBe(zone);
  });

  it.each([
    '.',
    'com',
    'example',
    'example.com',
    'localhost.example',
    'mytest',
    'arpa',
    'in-addr.arpa',
    '172.in-addr.arpa',
    '15.172.in-addr.arpa',
    '32.172.in-addr.arpa',
    '63.100.in-addr.arpa',
    '8.8.8.8.in-addr.arpa',
    'ip6.arpa',
    '0.ip6.arpa',
    'c.e.f.ip6.arpa',
    'www.use-application-dns.net',
    'use-application-dns.com',
    'a.mask.icloud.com',
    'icloud.com',
    'mask.icl0ud.com',
    'a.beta.com',
  ])('leaves %s alone', (name) => {
    expect(find(name)).toBeUndefined();
  });

  it.each(Object.keys(ALL))('leaves the names of %s alone where that is off', (group) => {
    const use = new SpecialUse({ ...ALL, [group]: false });
    for (const entry of SPECIAL_USE_NAMES)
      expect(find(entry.name, use)).toBe(entry.group === group ? undefined : entry.name);
  });
});

describe('answers for reserved names (RFC 6761, 7686)', () => {
  it('6.3: localhost and names below have the loopback addresses', () => {
    expect(summary(answer('localhost', RecordType.A))).toEqual([Rcode.NOERROR, ['127.0.0.1'], []]);
    expect(summary(answer('a.localhost', RecordType.AAAA))).toEqual([Rcode.NOERROR, ['::1'], []]);
  });

  it('6.3: localhost has nothing else', () => {
    expect(summary(answer('a.LocalHost', RecordType.MX))).toEqual([Rcode.NOERROR, [], [`LocalHost ${RecordType.SOA}`]]);
  });

  it.each(['test', 'a.test', 'invalid', 'a.b.invalid', 'abcdefghij234567.onion'])('%s does not exist', (name) => {
    const zone = name.slice(name.lastIndexOf('.') + 1);
    expect(summary(answer(name))).toEqual([Rcode.NXDOMAIN, [], [`${zone} ${RecordType.SOA}`]]);
  });
});

describe('answers for private reverse zones (RFC 6303 3)', () => {
  it('a name below does not exist, says the zone’s own SOA', () => {
    const response = answer('1.0.0.10.in-addr.arpa', RecordType.PTR);
    expect(summary(response)).toEqual([Rcode.NXDOMAIN, [], [`10.in-addr.arpa ${RecordType.SOA}`]]);
    expect(response.authorities[0]!.ttlSeconds).toBe(10_800);
    expect(response.authorities[0]!.data).toMatch(/^10\.in-addr\.arpa\.? nobody\.invalid\.? 1 .* 10800$/);
    expect(response.flags & HeaderFlag.AA).toBe(HeaderFlag.AA);
  });

  it('the apex has a SOA and an NS record that name the zone itself, and nothing else', () => {
    expect(answer('10.in-addr.arpa', RecordType.SOA).answers[0]).toMatchObject({ name: '10.in-addr.arpa', type: 6 });
    expect(answer('10.in-addr.arpa', RecordType.NS).answers[0]!.data).toMatch(/^10\.in-addr\.arpa\.?$/);
    expect(answer('10.in-addr.arpa', RecordType.ANY).answers[0]!.type).toBe(RecordType.SOA);
    expect(summary(answer('10.in-addr.arpa', RecordType.PTR))).toEqual([
      Rcode.NOERROR,
      [],
      [`10.in-addr.arpa ${RecordType.SOA}`],
    ]);
  });
});

describe('answers for the other names', () => {
  it('resolver.arpa and all below have no data (RFC 9462 4)', () => {
    expect(summary(answer('_dns.resolver.arpa', RecordType.SVCB))).toEqual([
      Rcode.NOERROR,
      [],
      [`resolver.arpa ${RecordType.SOA}`],
    ]);
  });

  it.each(['use-application-dns.net', 'mask.icloud.com', 'mask-h2.icloud.com'])('%s does not exist', (name) => {
    expect(summary(answer(name, RecordType.AAAA))).toEqual([Rcode.NXDOMAIN, [], [`${name} ${RecordType.SOA}`]]);
  });
});

describe('every answer', () => {
  it('has an OPT record if the query has one', () => {
    const { view } = layQuery({ name: 'a.test', udpPayloadBytes: 0 });
    expect(decodeAnswer(view, special.write(view, special.find(view), BYTES_MAX)).edns).toBeUndefined();
    expect(answer('a.test').edns).toMatchObject({ udpPayloadBytes: 1232, options: [] });
  });

  it('is truncated where there is no room', () => {
    const truncated = answer('a.test', RecordType.A, 40);
    expect(truncated.flags & HeaderFlag.TC).toBe(HeaderFlag.TC);
    expect(truncated.authorities).toEqual([]);
  });
});
