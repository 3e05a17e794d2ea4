import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeQuery } from '../../../src/dns/codec.ts';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { HeaderFlag, Rcode, RecordClass, RecordType } from '../../../src/dns/iana.ts';
import { DropRow, VerdictRow, TransportRow } from '../../../src/telemetry/counter-labels.ts';
import { Counter, dropCounter, QTYPE_SLOT, queryCounter, responseCounter } from '../../../src/telemetry/counters.ts';
import { freezeClock, ResolverHarness } from '../../support/resolver-harness.ts';
import { aRecord } from '../../support/scripted-answers.ts';
import { concat, header, opt, option, question, record } from '../../support/wire.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';
const RD = HeaderFlag.RD;

function query(name = NAME, type: number = RecordType.A): Uint8Array {
  return encodeQuery({ id: 0x77, name, type })!;
}

describe('a message that is dropped', () => {
  it.each([0, 1, 11])('has %i octets', (length) => {
    const weir = new ResolverHarness();
    expect(weir.send(query().slice(0, length)).sent).toBe(0);
    expect(weir.cells[dropCounter(DropRow.tooShort)]).toBe(1);
  });

  it('is a response, whoever sends it', () => {
    const weir = new ResolverHarness();
    for (const client of ['127.0.0.1', '192.0.2.1']) {
      const message = query();
      message[2]! |= 0x80;
      expect(weir.send(message, { client }).sent).toBe(0);
    }
    expect(weir.cells[dropCounter(DropRow.response)]).toBe(2);
    expect(weir.cells.slice(0, Counter.blocked).every((count) => count === 0)).toBe(true);
  });
});

describe('FORMERR', () => {
  const twice = concat(question(NAME), question('b.example'));
  it.each([
    ['two questions (RFC 9619)', concat(header(7, RD, { questions: 2 }), twice), 0],
    ['no question and no cookie', header(7, RD), 0],
    ['an answer section', concat(header(7, RD, { questions: 1, answers: 1 }), question(NAME), aRecord(NAME)), 1],
    ['octets behind the last record', concat(header(7, RD, { questions: 1 }), question(NAME), Uint8Array.of(0)), 1],
    ['fewer records than counted', concat(header(7, RD, { questions: 1, additionals: 1 }), question(NAME)), 1],
    ['a compressed qname', concat(header(7, RD, { questions: 1 }), Uint8Array.of(0xc0, 12, 0, 1, 0, 1)), 0],
    ['qtype 0', concat(header(7, RD, { questions: 1 }), question(NAME, 0)), 1],
    ['qtype OPT', concat(header(7, RD, { questions: 1 }), question(NAME, RecordType.OPT)), 1],
  ])('answers %s', (_, message, questions) => {
    const weir = new ResolverHarness();
    const { decoded } = weir.send(message);
    expect(decoded.rcode).toBe(Rcode.FORMERR);
    expect(decoded.questions).toHaveLength(questions);
    expect(decoded.flags & (HeaderFlag.QR | RD)).toBe(HeaderFlag.QR | RD);
    expect(weir.upstream.asks).toHaveLength(0);
    expect(weir.cells[responseCounter(Rcode.FORMERR, VerdictRow.error)]).toBe(1);
  });

  it('answers two OPT records, with an OPT of its own (RFC 6891 6.1.1)', () => {
    const weir = new ResolverHarness();
    const message = concat(header(7, RD, { questions: 1, additionals: 2 }), question(NAME), opt(), opt());
    const { decoded } = weir.send(message);
    expect(decoded.rcode).toBe(Rcode.FORMERR);
    expect(decoded.edns).toBeDefined();
  });
});

describe('a query of another kind', () => {
  it('for a cookie alone gets NOERROR without a question (RFC 7873 5.4)', () => {
    const weir = new ResolverHarness();
    const { decoded } = weir.send(concat(header(7, RD, { additionals: 1 }), opt(option(10, new Uint8Array(8)))));
    expect(decoded.rcode).toBe(Rcode.NOERROR);
    expect(decoded.questions).toEqual([]);
    expect(decoded.answers).toEqual([]);
  });

  it.each([1, 2, 4, 5, 6, 15])('with opcode %i gets NOTIMP with its opcode', (opcode) => {
    const weir = new ResolverHarness();
    const message = query();
    message[2]! |= opcode << 3;
    const { decoded } = weir.send(message);
    expect(decoded.rcode).toBe(Rcode.NOTIMP);
    expect(decoded.opcode).toBe(opcode);
  });

  it('of another EDNS version gets BADVERS and our version 0 (RFC 6891 6.1.3), also with nonsense in its options', () => {
    const weir = new ResolverHarness();
    const badVersion = opt(Uint8Array.of(1, 2, 3), 0x0001_0000);
    const { decoded } = weir.send(concat(header(7, RD, { questions: 1, additionals: 1 }), question(NAME), badVersion));
    expect(decoded.rcode).toBe(Rcode.BADVERS);
    expect(decoded.edns?.version).toBe(0);
    expect(weir.cells[responseCounter(Rcode.BADVERS, VerdictRow.error)]).toBe(1);
  });

  it.each([
    ['AXFR', RecordType.AXFR],
    ['IXFR', RecordType.IXFR],
    ['TKEY', RecordType.TKEY],
    ['TSIG', RecordType.TSIG],
    ['MAILA', RecordType.MAILA],
    ['MAILB', RecordType.MAILB],
  ])('for %s is refused with EDE 21', (_, type) => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME, { type });
    expect(reply.decoded.rcode).toBe(Rcode.REFUSED);
    expect(reply.infoCodes).toEqual([ExtendedError.notSupported]);
  });

  it('for IXFR with the SOA of the client’s version is refused as well, and not malformed', () => {
    const weir = new ResolverHarness();
    const soa = record(NAME, RecordType.SOA, 0, concat(Uint8Array.of(0, 0), new Uint8Array(20)));
    const head = header(7, 0, { questions: 1, authorities: 1 });
    const { decoded } = weir.send(concat(head, question(NAME, RecordType.IXFR), soa));
    expect(decoded.rcode).toBe(Rcode.REFUSED);
  });

  it.each([RecordClass.CH, RecordClass.HS, RecordClass.NONE, RecordClass.ANY, 42])(
    'of class %i is refused with EDE 21',
    (recordClass) => {
      const weir = new ResolverHarness({ entries: [{ name: NAME }] });
      const reply = weir.ask(NAME, { recordClass });
      expect(reply.decoded.rcode).toBe(Rcode.REFUSED);
      expect(reply.infoCodes).toEqual([ExtendedError.notSupported]);
    },
  );

  it('without RD is refused with EDE 20, cached or not', () => {
    const weir = new ResolverHarness();
    const refused = weir.ask(NAME, { recursionDesired: false });
    expect(refused.decoded.rcode).toBe(Rcode.REFUSED);
    expect(refused.infoCodes).toEqual([ExtendedError.notAuthoritative]);
    weir.ask(NAME);
    weir.upstream.last.answer({ answers: [aRecord(NAME)] });
    expect(weir.ask(NAME, { recursionDesired: false }).decoded.rcode).toBe(Rcode.REFUSED);
    expect(weir.upstream.asks).toHaveLength(1);
  });
});

describe('a client that is not served', () => {
  it('is refused with EDE 18 whatever it asks, blocked names and CHAOS included', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'bad.example' }] });
    const client = '192.0.2.1';
    const replies = [
      weir.ask(NAME, { client }),
      weir.ask('bad.example', { client }),
      weir.ask('localhost', { client }),
      weir.ask('version.bind', { client, type: RecordType.TXT, recordClass: RecordClass.CH }),
    ];
    for (const reply of replies) {
      expect(reply.decoded.rcode).toBe(Rcode.REFUSED);
      expect(reply.infoCodes).toEqual([ExtendedError.prohibited]);
      expect(reply.decoded.answers).toEqual([]);
    }
    expect(weir.upstream.asks).toHaveLength(0);
  });

  it('is served once the configuration allows it', () => {
    const weir = new ResolverHarness();
    weir.respond.configure({ ...weir.config, clients: { allow: ['192.0.2.0/24'], groups: [] } });
    expect(weir.ask(NAME, { client: '192.0.2.1' }).wasLate).toBe(true);
    expect(weir.ask(NAME, { client: '127.0.0.1' }).decoded.rcode).toBe(Rcode.REFUSED);
  });
});

const ask = (weir: ResolverHarness, name: string, type: number = RecordType.TXT) =>
  weir.ask(name, { type, recordClass: RecordClass.CH }).decoded;

describe('CHAOS TXT', () => {
  const identity = { version: 'weir 1', serverId: 'node-7' };

  it.each([
    ['version.bind', 'weir 1'],
    ['VERSION.SERVER', 'weir 1'],
    ['id.server', 'node-7'],
    ['Hostname.Bind', 'node-7'],
  ])('%s is answered here with %s', (name, text) => {
    const decoded = ask(new ResolverHarness({ config: { identity } }), name);
    expect(decoded.answers).toMatchObject([{ type: RecordType.TXT, recordClass: RecordClass.CH, ttlSeconds: 0 }]);
    expect(decoded.answers[0]?.data).toContain(text);
  });

  it('is refused for other names, other types and an identity that is hidden', () => {
    expect(ask(new ResolverHarness(), 'authors.bind').rcode).toBe(Rcode.REFUSED);
    expect(ask(new ResolverHarness(), 'version.bind', RecordType.A).rcode).toBe(Rcode.REFUSED);
    expect(ask(new ResolverHarness({ config: { identity: { version: '' } } }), 'version.bind').rcode).toBe(
      Rcode.REFUSED,
    );
  });

  it('fits with the longest identity into a response without EDNS', () => {
    const weir = new ResolverHarness({ config: { identity: { version: 'v'.repeat(255) } } });
    const reply = weir.ask('version.server', { type: RecordType.TXT, recordClass: RecordClass.CH, udpPayloadBytes: 0 });
    expect(reply.message!.length).toBeLessThanOrEqual(512);
    expect(reply.decoded.answers).toHaveLength(1);
  });
});

describe('what is counted', () => {
  it('is each query by transport, family and type, and none of what is dropped', () => {
    const weir = new ResolverHarness();
    weir.ask(NAME, { type: RecordType.AAAA });
    weir.ask(NAME, { type: RecordType.AAAA, transport: TransportRow.tcp });
    weir.ask(NAME, { type: 4711 });
    weir.send(new Uint8Array(3));
    const count = (transport: number, type: number) => weir.cells[queryCounter(transport, 0, QTYPE_SLOT[type]!)];
    expect(count(0, RecordType.AAAA)).toBe(1);
    expect(count(1, RecordType.AAAA)).toBe(1);
    expect(count(0, 4711)).toBe(1);
    expect(weir.cells.slice(0, Counter.responses).reduce((sum, cell) => sum + cell, 0)).toBe(3);
  });

  it('is a special-use name as allowed, without asking the upstream', () => {
    const weir = new ResolverHarness();
    expect(weir.ask('localhost').decoded.answers[0]?.data).toBe('127.0.0.1');
    expect(weir.ask('x.invalid').decoded.rcode).toBe(Rcode.NXDOMAIN);
    expect(weir.cells[responseCounter(Rcode.NXDOMAIN, VerdictRow.allowed)]).toBe(1);
    expect(weir.upstream.asks).toHaveLength(0);
  });
});
