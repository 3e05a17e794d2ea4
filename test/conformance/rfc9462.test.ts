/** RFC 9462, Discovery of Designated Resolvers, as a client of the unencrypted resolver sees it. */
import { describe, expect, it } from 'vitest';
import { ResolverHarness } from '../support/resolver-harness.ts';

const SVCB = 64;
const RESOLVER = {
  name: 'dns.example.test',
  dot: [{ host: '192.0.2.1', port: 853 }],
  doh: [{ host: '192.0.2.1', port: 443 }],
};
const TARGET = Buffer.from('\u0003dns\u0007example\u0004test\u0000', 'latin1').toString('hex');

function announcing(): ResolverHarness {
  const weir = new ResolverHarness();
  weir.respond.designate(RESOLVER);
  return weir;
}

describe('RFC 9462', () => {
  it('4 "the client MAY query for ... _dns.resolver.arpa ... SVCB": the designated resolvers, in ServiceMode', () => {
    const { answers, flags } = announcing().ask('_dns.resolver.arpa', { type: SVCB }).decoded;
    expect(answers).toHaveLength(2);
    for (const [index, { data }] of answers.entries()) {
      // "AliasMode" would be priority 0.
      expect(data).toContain(`000${index + 1}${TARGET}`);
    }
    expect(flags & 0x0400).toBe(0);
  });

  it('4 each says its protocol and port, DoH its path, and where it is', () => {
    const { answers } = announcing().ask('_dns.resolver.arpa', { type: SVCB }).decoded;
    const [doh, dot] = answers.map(({ data }) => data);
    const path = Buffer.from('/dns-query{?dns}').toString('hex');
    expect(doh).toContain(`${TARGET}00010003026832` + '0003000201bb' + '00040004c0000201' + `00070010${path}`);
    expect(dot).toContain(`${TARGET}0001000403646f74` + '000300020355' + '00040004c0000201');
  });

  it('4 "If the recursive resolver that receives this query has no Designated Resolvers, it SHOULD return NODATA for queries to the "resolver.arpa" zone"', () => {
    const weir = new ResolverHarness();
    for (const name of ['_dns.resolver.arpa', 'resolver.arpa', 'other.resolver.arpa']) {
      const { rcode, answers, authorities } = weir.ask(name, { type: SVCB }).decoded;
      expect([rcode, answers, authorities.map(({ type }) => type)]).toEqual([0, [], [6]]);
    }
  });

  it('6.4 "resolver.arpa" is served locally: "resolvers SHOULD NOT forward queries" for it', () => {
    const weir = announcing();
    for (const [name, type] of [
      ['_dns.resolver.arpa', SVCB],
      ['_dns.resolver.arpa', 1],
      ['resolver.arpa', 6],
      ['a.b.resolver.arpa', 1],
    ] as const) {
      weir.ask(name, { type });
    }
    expect(weir.upstream.asks).toEqual([]);
  });

  it('4.2 the records stay when the configuration is reread, and go when the listeners do', () => {
    const weir = announcing();
    weir.respond.configure(weir.config);
    expect(weir.ask('_dns.resolver.arpa', { type: SVCB }).decoded.answers).toHaveLength(2);
    weir.respond.designate(undefined);
    expect(weir.ask('_dns.resolver.arpa', { type: SVCB }).decoded.answers).toEqual([]);
  });
});
