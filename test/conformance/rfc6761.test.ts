/** RFC 6761, Special-Use Domain Names, and those that came after it by the same procedure, as a caching server meets them. */
import { describe, expect, it } from 'vitest';
import { Rcode } from '../../src/dns/iana.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';

/** What is answered, and that nobody was asked. */
function local(name: string, type = 1) {
  const weir = new ResolverHarness();
  const { decoded } = weir.ask(name, { type });
  expect(weir.upstream.asks).toEqual([]);
  return decoded;
}

describe('RFC 6761', () => {
  it.each([
    [1, '127.0.0.1'],
    [28, '::1'],
  ])('6.3 (4) localhost and the names below it, type %i: the loopback address, at once', (type, address) => {
    for (const name of ['localhost', 'LocalHost', 'www.localhost', 'a.b.localhost']) {
      expect(local(name, type).answers.map(({ data }) => data)).toEqual([address]);
    }
  });

  it('6.3 (4) for every other type localhost has a negative answer, and it exists', () => {
    for (const type of [2, 6, 15, 16, 65]) {
      expect(local('localhost', type)).toMatchObject({ rcode: Rcode.NOERROR, answers: [], authorities: [{ type: 6 }] });
    }
  });

  it('6.2 (4) "caching DNS servers SHOULD, by default, generate immediate negative responses for all such queries" for test.', () => {
    for (const [name, type] of [
      ['test', 2],
      ['www.test', 1],
      ['a.b.test', 28],
    ] as const) {
      expect(local(name, type)).toMatchObject({ rcode: Rcode.NXDOMAIN, answers: [], authorities: [{ type: 6 }] });
    }
  });

  it('6.4 (4) caching servers "SHOULD generate immediate NXDOMAIN responses for all such queries" for invalid.', () => {
    for (const name of ['invalid', 'www.invalid', 'a.b.invalid'])
      expect(local(name)).toMatchObject({ rcode: Rcode.NXDOMAIN, answers: [] });
  });

  it('6.5 (4) example names are not special to a caching server: they are asked for like others', () => {
    for (const name of ['example', 'www.example.com', 'example.net', 'example.org']) {
      const weir = new ResolverHarness();
      expect(weir.ask(name).wasLate).toBe(true);
      expect(weir.upstream.asks).toHaveLength(1);
    }
  });

  it('6.1 (4) the reverse zones of private addresses are answered here by default, those of public ones are not', () => {
    for (const name of ['1.0.0.10.in-addr.arpa', '1.0.16.172.in-addr.arpa', '1.1.168.192.in-addr.arpa'])
      expect(local(name, 12)).toMatchObject({ rcode: Rcode.NXDOMAIN, authorities: [{ type: 6 }] });
    const weir = new ResolverHarness();
    for (const name of ['1.0.0.11.in-addr.arpa', '1.0.15.172.in-addr.arpa', '1.0.32.172.in-addr.arpa'])
      expect(weir.ask(name, { type: 12 }).wasLate).toBe(true);
  });

  it('a special name is one by its labels: as a part of another name it is not', () => {
    const weir = new ResolverHarness();
    for (const name of ['localhost.example', 'mytest', 'xinvalid', 'test.example.com', 'invalid-name'])
      expect(weir.ask(name).wasLate).toBe(true);
  });

  it('RFC 7686 2: onion names are not looked up: NXDOMAIN', () => {
    for (const name of ['onion', 'expyuzz4wqqyqhjn.onion', 'www.expyuzz4wqqyqhjn.onion'])
      expect(local(name)).toMatchObject({ rcode: Rcode.NXDOMAIN, answers: [] });
  });

  it('6 what a list says of such a name comes first', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.test' }] });
    expect(weir.ask('listed.test').decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [{ data: '127.0.0.1' }] });
  });
});
