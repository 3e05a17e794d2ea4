/** RFC 8020, NXDOMAIN: There Really Is Nothing Underneath: what a block may say, and what is made of an upstream's word. */
import { describe, expect, it } from 'vitest';
import { Rcode } from '../../src/dns/iana.ts';
import type { TestEntry } from '../support/publish-policy.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord, cnameRecord, soaOf } from '../support/scripted-answers.ts';

const TYPES = [1, 2, 5, 6, 12, 15, 16, 28, 33, 43, 48, 64, 65, 65_280];

function rcodes(entry: Partial<TestEntry>, name: string): Set<number> {
  const weir = new ResolverHarness({ entries: [{ name: 'listed.example', ...entry }] });
  return new Set(TYPES.map((type) => weir.ask(name, { type }).decoded.rcode));
}

describe('RFC 8020', () => {
  it.each(['sinkhole', 'nodata', 'nxdomain'] as const)(
    '2 NXDOMAIN says that nothing exists below: an exact entry (%s) never has it, for any type',
    (action) => {
      expect(rcodes({ action, scope: 'exact' }, 'listed.example')).toEqual(new Set([Rcode.NOERROR]));
    },
  );

  it('2 the names below an exact entry live', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example', scope: 'exact', action: 'nxdomain' }] });
    weir.ask('listed.example');
    const reply = weir.ask('www.listed.example');
    weir.upstream.last.answer({ answers: [aRecord('www.listed.example')] });
    expect(reply.decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [{ data: '192.0.2.7' }] });
  });

  it('2 an entry for a whole subtree may say NXDOMAIN, for it blocks all that is below too', () => {
    for (const name of ['listed.example', 'www.listed.example', 'a.b.listed.example'])
      expect(rcodes({ action: 'nxdomain', scope: 'subtree' }, name)).toEqual(new Set([Rcode.NXDOMAIN]));
  });

  it('2 the SOA of such an answer is the zone of the entry, so that no cache takes it for more', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example', action: 'nxdomain' }] });
    expect(weir.ask('a.b.listed.example').decoded.authorities).toMatchObject([{ name: 'listed.example', type: 6 }]);
  });

  it('2 a name whose answer leads to a listed one is not NXDOMAIN: what is below it is not listed', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example', action: 'nxdomain' }] });
    const reply = weir.ask('www.other.example');
    weir.upstream.last.answer({ answers: [cnameRecord('www.other.example', 'listed.example')] });
    expect(reply.decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [], authorities: [{ type: 6 }] });
  });

  it('2 an upstream’s NXDOMAIN does not keep a listed name below it from its block', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'www.gone.example' }] });
    weir.ask('gone.example');
    weir.upstream.last.answer({ rcode: Rcode.NXDOMAIN, authorities: [soaOf('example')] });
    expect(weir.ask('www.gone.example').decoded.answers).toMatchObject([{ data: '127.0.0.1' }]);
  });

  it('3 an empty non-terminal is NODATA, not NXDOMAIN: passed on and kept as such', () => {
    const weir = new ResolverHarness();
    weir.ask('ent.example');
    weir.upstream.last.answer({ authorities: [soaOf('example')] });
    expect(weir.ask('ent.example')).toMatchObject({ wasLate: false, decoded: { rcode: Rcode.NOERROR, answers: [] } });
    expect(weir.ask('www.ent.example').wasLate).toBe(true);
  });
});
