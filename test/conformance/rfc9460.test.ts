/** RFC 9460, Service Binding and Parameter Specification via the DNS (SVCB and HTTPS): what is read, passed on, and never let out. */
import { describe, expect, it } from 'vitest';
import { Rcode } from '../../src/dns/iana.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { nameToText } from '../../src/dns/name.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, hex, question, QNAME_POINTER, record, wireName, words } from '../support/wire.ts';

function targetsOf(type: number, priority: number, target: string, params = ''): string[] | undefined {
  const rdata = concat(words(priority), wireName(target), hex(params));
  const answer = record(QNAME_POINTER, type, 60, rdata);
  const message = concat(header(1, 0x8180, { questions: 1, answers: 1 }), question('www.example', type), answer);
  return readResponse(message)?.targets.map((name) => nameToText(name, 0));
}

describe('RFC 9460', () => {
  it.each([64, 65])('2.4 type %i leads to its TargetName in AliasMode and in ServiceMode', (type) => {
    expect(targetsOf(type, 0, 'pool.test')).toEqual(['pool.test']);
    expect(targetsOf(type, 1, 'svc.test', '0001 0003 02 6832')).toEqual(['svc.test']);
  });

  it('2.5 a TargetName of "." is the owner itself, or nothing', () => {
    expect(targetsOf(65, 1, '.')).toEqual([]);
    expect(targetsOf(65, 0, '.')).toEqual([]);
  });

  it('2.2 RDATA that ends within a SvcParam is malformed', () => {
    expect(targetsOf(65, 1, '.', '0001 0003 02 68')).toBeUndefined();
    expect(targetsOf(65, 1, '.', '0001 00')).toBeUndefined();
    expect(targetsOf(65, 1, '.', '0004 0000')).toEqual([]);
  });
});

describe('RFC 9460 and lists', () => {
  const TYPES = [64, 65];
  /** alpn h2, an ipv4hint and an ech: what would let a browser past a block. */
  const params = '0001 0003 02 6832  0004 0004 c6336407  0005 0004 deadbeef';
  const binding = (owner: string, type: number, priority: number, target: string): Uint8Array =>
    record(owner, type, 300, concat(words(priority), wireName(target), priority === 0 ? hex('') : hex(params)));

  it.each(TYPES)('type %i of a listed name is NODATA: no hint, no key, no target, and nobody is asked', (type) => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    for (const name of ['listed.example', 'www.listed.example', '_8443._https.listed.example']) {
      for (const fields of [{}, { dnssecOk: true }, { checkingDisabled: true }]) {
        const { decoded } = weir.ask(name, { type, ...fields });
        expect(decoded).toMatchObject({
          rcode: Rcode.NOERROR,
          answers: [],
          authorities: [{ type: 6 }],
          additionals: [],
        });
      }
    }
    expect(weir.upstream.asks).toEqual([]);
  });

  it.each(TYPES)('3 type %i that leads to a listed name, in AliasMode or ServiceMode, is blocked whole', (type) => {
    for (const priority of [0, 1]) {
      const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
      const first = weir.ask('a.example', { type });
      weir.upstream.last.answer({
        answers: [binding('a.example', type, priority, 'svc.listed.example')],
        additionals: [record('svc.listed.example', 1, 60, hex('c6336407'))],
      });
      for (const { decoded } of [first, weir.ask('a.example', { type })])
        expect(decoded).toMatchObject({ answers: [], authorities: [{ type: 6 }], additionals: [] });
    }
  });

  it.each(TYPES)('2 type %i of another name passes octet by octet, hints and keys included', (type) => {
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example', { type });
    const answer = binding('a.example', type, 1, 'svc.example');
    weir.upstream.last.answer({ answers: [answer] });
    for (const { message } of [reply, weir.ask('a.example', { type })])
      expect(Buffer.from(message!).includes(Buffer.from(answer.subarray(-26)))).toBe(true);
  });

  it('2.1 several bindings keep their order and priorities', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example', { type: 65 });
    weir.upstream.last.answer({ answers: [3, 1, 2].map((each) => binding('a.example', 65, each, `s${each}.example`)) });
    expect(reply.decoded.answers.map(({ data }) => data.replace(/^\\# \d+ (....).*$/, '$1'))).toEqual([
      '0003',
      '0001',
      '0002',
    ]);
  });
});
