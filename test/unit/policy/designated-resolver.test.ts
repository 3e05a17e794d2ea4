import { describe, expect, it } from 'vitest';
import { encodeQuery, decodeMessage } from '../../../src/dns/codec.ts';
import { QueryView, readQuery } from '../../../src/dns/query-view.ts';
import { type DesignatedResolver, designationRecords } from '../../../src/policy/designated-resolver.ts';
import { NOT_SPECIAL, SpecialUse } from '../../../src/policy/special-use.ts';

const ALL = {
  reservedNames: true,
  privateReverseZones: true,
  resolverArpa: true,
  firefoxCanary: true,
  applePrivateRelay: true,
};
const RESOLVER: DesignatedResolver = {
  name: 'dns.example.test',
  dot: [{ host: '192.0.2.1', port: 853 }],
  doh: [
    { host: '192.0.2.1', port: 443 },
    { host: '2001:db8::1', port: 443 },
    { host: '192.0.2.2', port: 8443 },
  ],
};

const hexOf = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

function ask(special: SpecialUse, name: string, type: number, bytesMax = 4096, hasEdns = true) {
  const message = encodeQuery({ id: 7, name, type, ...(!hasEdns && { udpPayloadBytes: 0 }) })!;
  const room = new Uint8Array(3 + 4096);
  room.set(message, 3);
  const view = new QueryView();
  readQuery(view, room, 3, 3 + message.length);
  const found = special.find(view);
  if (found === NOT_SPECIAL) return undefined;
  return decodeMessage(room.slice(3, 3 + special.write(view, found, bytesMax)));
}

describe('the records', () => {
  it('are one for each protocol and port, DoH first, octet for octet as RFC 9460 2.2 has it', () => {
    const { count, records } = designationRecords(RESOLVER);
    expect(count).toBe(3);
    const target = '03646e73076578616d706c65047465737400';
    const dohpath = `00070010${Buffer.from('/dns-query{?dns}').toString('hex')}`;
    const alpn = (text: string): string =>
      `0001${(text.length + 1).toString(16).padStart(4, '0')}0${text.length}${Buffer.from(text).toString('hex')}`;
    const first =
      `0001${target}${alpn('h2')}0003000201bb00040004c0000201` + `0006001020010db8000000000000000000000001${dohpath}`;
    const second = `0002${target}${alpn('h2')}0003000220fb00040004c0000202${dohpath}`;
    const third = `0003${target}${alpn('dot')}000300020355` + '00040004c0000201';
    const record = (rdata: string): string =>
      `c00c004000010000012c${(rdata.length / 2).toString(16).padStart(4, '0')}${rdata}`;
    expect(hexOf(records)).toBe(record(first) + record(second) + record(third));
  });

  it('name no address that others cannot reach', () => {
    const hosts = ['127.0.0.1', '0.0.0.0', '::1', '::', 'fe80::1', '169.254.7.1'];
    const { records } = designationRecords({ ...RESOLVER, doh: [], dot: hosts.map((host) => ({ host, port: 853 })) });
    expect(hexOf(records)).toMatch(/0003000203551?$/);
  });

  it.each(['', '.', 'a..b', `${'a'.repeat(64)}.example`])('are none under the name %j', (name) => {
    expect(designationRecords({ ...RESOLVER, name }).count).toBe(0);
  });

  it('are none without listeners', () => {
    expect(designationRecords({ ...RESOLVER, dot: [], doh: [] }).count).toBe(0);
  });
});

describe('_dns.resolver.arpa', () => {
  const SVCB = 64;
  const special = new SpecialUse(ALL);
  special.designate(RESOLVER);

  it('answers SVCB, in any case of letters', () => {
    for (const name of ['_dns.resolver.arpa', '_DNS.Resolver.ARPA']) {
      const answer = ask(special, name, SVCB)!;
      expect(answer.rcode).toBe(0);
      expect(answer.answers.map(({ type, ttlSeconds }) => [type, ttlSeconds])).toEqual([
        [SVCB, 300],
        [SVCB, 300],
        [SVCB, 300],
      ]);
      expect(answer.authorities).toEqual([]);
    }
  });

  it.each([
    ['_dns.resolver.arpa', 1],
    ['_dns.resolver.arpa', 65],
    ['_dns.resolver.arpa', 255],
    ['resolver.arpa', SVCB],
    ['_xns.resolver.arpa', SVCB],
    ['_dns2.resolver.arpa', SVCB],
    ['x._dns.resolver.arpa', SVCB],
  ])('and nothing else: %s, type %i is NODATA', (name, type) => {
    const answer = ask(special, name, type)!;
    expect(answer).toMatchObject({ rcode: 0, answers: [] });
    expect(answer.authorities.map((record) => record.type)).toEqual([6]);
  });

  it('is NODATA where nothing is designated, and again when it is withdrawn', () => {
    expect(ask(new SpecialUse(ALL), '_dns.resolver.arpa', SVCB)!.answers).toEqual([]);
    const other = new SpecialUse(ALL);
    other.designate(RESOLVER);
    other.designate(undefined);
    expect(ask(other, '_dns.resolver.arpa', SVCB)!.answers).toEqual([]);
  });

  it.each([false, true])('has the addresses of the name beside it, behind them the OPT record: EDNS %s', (hasEdns) => {
    const answer = ask(special, '_dns.resolver.arpa', SVCB, 4096, hasEdns)!;
    expect(answer.additionals.map(({ name, type, ttlSeconds, data }) => [name, type, ttlSeconds, data])).toEqual([
      ['dns.example.test', 1, 300, '192.0.2.1'],
      ['dns.example.test', 28, 300, '2001:db8::1'],
      ['dns.example.test', 1, 300, '192.0.2.2'],
    ]);
    expect(answer.edns !== undefined).toBe(hasEdns);
  });

  it('goes without the addresses where they do not fit', () => {
    const whole = ask(special, '_dns.resolver.arpa', SVCB)!;
    const answer = ask(special, '_dns.resolver.arpa', SVCB, 300)!;
    expect(answer.answers).toEqual(whole.answers);
    expect(answer.additionals).toEqual([]);
    expect(answer.flags & 0x0200).toBe(0);
  });

  it('has no addresses where the listeners are on every one, or on none that others reach', () => {
    const other = new SpecialUse(ALL);
    other.designate({ ...RESOLVER, doh: [], dot: ['0.0.0.0', '::', '127.0.0.1'].map((host) => ({ host, port: 853 })) });
    const answer = ask(other, '_dns.resolver.arpa', SVCB)!;
    expect(answer.answers).toHaveLength(1);
    expect(answer.additionals).toEqual([]);
  });

  it('is truncated where it does not fit', () => {
    const answer = ask(special, '_dns.resolver.arpa', SVCB, 100)!;
    expect(answer.answers).toEqual([]);
    expect(answer.flags & 0x0200).not.toBe(0);
  });

  it('is asked of upstreams where the operator has turned the zone off', () => {
    const off = new SpecialUse({ ...ALL, resolverArpa: false });
    off.designate(RESOLVER);
    expect(ask(off, '_dns.resolver.arpa', SVCB)).toBeUndefined();
  });
});
