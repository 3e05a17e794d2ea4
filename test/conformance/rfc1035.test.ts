/** RFC 1035, Domain Names - Implementation and Specification: the format of messages, on what is read and what is sent. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import { expandName, NAME_BYTES_MAX, nameFromText, nameToText } from '../../src/dns/name.ts';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { TransportRow } from '../../src/telemetry/counter-labels.ts';
import { freezeClock, ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord, soaOf } from '../support/scripted-answers.ts';
import { concat, header, hex, question, QNAME_POINTER, record, words } from '../support/wire.ts';

const view = new QueryView();

describe('RFC 1035', () => {
  it('2.3.4 "labels: 63 octets or less"', () => {
    expect(nameFromText('a'.repeat(63))).toHaveLength(65);
    expect(nameFromText('a'.repeat(64))).toBeUndefined();
  });

  it('2.3.4 "names: 255 octets or less", in a query too', () => {
    const label = concat(hex('3f'), new Uint8Array(63).fill(0x61));
    const name = (lastBytes: number): Uint8Array =>
      concat(label, label, label, Uint8Array.of(lastBytes), new Uint8Array(lastBytes).fill(0x61), hex('00'));
    for (const [lastBytes, fault] of [
      [61, QueryFault.none],
      [62, QueryFault.malformed],
    ] as const) {
      const message = concat(header(1, 0, { questions: 1 }), name(lastBytes), hex('0001 0001'));
      expect(readQuery(view, message, 0, message.length)).toBe(fault);
    }
  });

  it('4.1.1 the header is twelve octets; the fields are where the figure has them', () => {
    const message = concat(hex('1234 7b10 0001 0000 0000 0000'), question('a'));
    readQuery(view, message, 0, message.length);
    expect(view).toMatchObject({ id: 0x1234, opcode: 15, questionCount: 1 });
    expect(readQuery(view, message, 0, 11)).toBe(QueryFault.tooShort);
  });

  it('4.1.4 "an entire domain name or a list of labels at the end of a domain name is replaced with a pointer"', () => {
    // The example of the section: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
    const message = new Uint8Array(93);
    message.set(hex('01 46 03 495349 04 41525041 00'), 20);
    message.set(hex('03 464f4f c014'), 40);
    message.set(hex('c01a'), 64);
    const out = new Uint8Array(NAME_BYTES_MAX);
    const textAt = (offset: number): string => {
      expect(expandName(message, 0, offset, message.length, out)).toBeGreaterThan(0);
      return nameToText(out, 0);
    };
    expect([20, 40, 64, 92].map(textAt)).toEqual(['f.isi.arpa', 'foo.f.isi.arpa', 'arpa', '.']);
  });

  it('4.1.4 "The 10 and 01 combinations are reserved for future use"', () => {
    for (const labelType of ['40', '80']) {
      const message = concat(header(1, 0, { questions: 1 }), hex(`${labelType} 00 00 0001 0001`));
      expect(readQuery(view, message, 0, message.length)).toBe(QueryFault.malformed);
    }
  });

  it(String.raw`5.1 "\DDD where each D is a digit is the octet corresponding to the decimal number"`, () => {
    expect(nameFromText(String.raw`\065\.b.c`)).toEqual(hex('03 41 2e 62 01 63 00'));
  });
});

describe('RFC 1035, the responses', () => {
  beforeEach(freezeClock);
  afterEach(() => void vi.useRealTimers());

  const NAME = 'www.example';

  it('4.1.1 the identifier "is copied the corresponding reply": to each its own, whoever else waits', () => {
    const weir = new ResolverHarness();
    const replies = [weir.ask(NAME), weir.ask(NAME), weir.ask(NAME)];
    weir.upstream.last.answer({ answers: [aRecord(NAME)] });
    expect(new Set(replies.map(({ decoded }) => decoded.id)).size).toBe(3);
    for (const reply of replies) expect(reply.decoded.id).toBe(reply.id);
  });

  it('4.1.1 OPCODE is "copied into the response"', () => {
    const weir = new ResolverHarness();
    for (let opcode = 1; opcode < 16; opcode++) {
      const message = concat(header(1, opcode << 11, { questions: 1 }), question(NAME));
      expect(weir.send(message).decoded).toMatchObject({ opcode, rcode: Rcode.NOTIMP, answers: [] });
    }
  });

  it('4.1.1 Z: "Must be zero in all queries and responses": not sent on, and not sent back', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    for (const name of [NAME, 'listed.example']) {
      const message = concat(header(1, HeaderFlag.RD | 0x0040, { questions: 1 }), question(name));
      const reply = weir.send(message);
      if (reply.wasLate) weir.upstream.last.answer({ flags: 0x0040, answers: [aRecord(NAME)] });
      expect(reply.decoded.flags & 0x0040).toBe(0);
    }
  });

  it('4.1.1 AA is for the authority of a name, which we are of no name that upstreams or lists know', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    const reply = weir.ask(NAME);
    weir.upstream.last.answer({ flags: HeaderFlag.AA, answers: [aRecord(NAME)] });
    for (const { decoded } of [reply, weir.ask(NAME), weir.ask('listed.example')])
      expect(decoded.flags & HeaderFlag.AA).toBe(0);
  });

  it('3.2.1 a TTL of zero: "the RR can only be used for the transaction in progress"', () => {
    const weir = new ResolverHarness();
    const waiting = [weir.ask(NAME), weir.ask(NAME)];
    weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.1', 0)] });
    for (const { ttls } of waiting) expect(ttls).toEqual([0]);
    expect(weir.ask(NAME).wasLate).toBe(true);
    expect(weir.upstream.asks).toHaveLength(2);
  });

  it('3.2.1 a TTL is how long a record may be kept: what is passed on has what is left of it', () => {
    const weir = new ResolverHarness();
    weir.ask(NAME);
    weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.1', 100)] });
    for (const [seconds, left] of [
      [1, 99],
      [58, 41],
      [40, 1],
    ] as const) {
      weir.advance(seconds * 1000);
      expect(weir.ask(NAME).ttls).toEqual([left]);
    }
    weir.advance(1000);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('4.2.1 "Longer messages are truncated and the TC bit is set in the header": over 512 octets without EDNS', () => {
    const answers = (count: number) =>
      Array.from({ length: count }, () => record(QNAME_POINTER, 1, 60, hex('c0000201')));
    const room = 512 - concat(header(1, 0), question(NAME)).length;
    const fitting = Math.floor(room / 16);
    for (const [count, isCut] of [
      [fitting, false],
      [fitting + 1, true],
    ] as const) {
      const weir = new ResolverHarness();
      const reply = weir.ask(NAME, { udpPayloadBytes: 0 });
      const overTcp = weir.ask(NAME, { udpPayloadBytes: 0, transport: TransportRow.tcp });
      weir.upstream.last.answer({ answers: answers(count) });
      expect(reply.message!.length).toBeLessThanOrEqual(512);
      expect(reply.decoded.answers).toHaveLength(isCut ? 0 : count);
      expect((reply.decoded.flags & HeaderFlag.TC) !== 0).toBe(isCut);
      // 4.2.2 knows no such limit.
      expect(overTcp.decoded.answers).toHaveLength(count);
      expect(overTcp.decoded.flags & HeaderFlag.TC).toBe(0);
    }
  });

  it('4.1.4 pointers of an upstream lead to the same names for everyone, also where the letters of the question differ', () => {
    const weir = new ResolverHarness();
    const first = weir.ask('www.sub.example', { type: 15 });
    // The owner points to the question, the exchange to its second label, the address’s owner into the first RDATA.
    const mx = record(QNAME_POINTER, 15, 60, concat(words(10), hex('04 6d61696c'), words(0xc000 | 16)));
    const target = 12 + question('www.sub.example').length + 12 + 2;
    const glue = record(words(0xc000 | target), 1, 60, hex('c0000219'));
    weir.upstream.last.answer({ answers: [mx], additionals: [glue] });
    for (const { decoded } of [first, weir.ask('WWW.Sub.EXAMPLE', { type: 15 })]) {
      expect(decoded.answers[0]?.name.toLowerCase()).toBe('www.sub.example');
      expect(decoded.answers[0]?.data.toLowerCase()).toBe('10 mail.sub.example.');
      expect(decoded.additionals.map(({ name, data }) => [name.toLowerCase(), data])).toEqual([
        ['mail.sub.example', '192.0.2.25'],
      ]);
    }
  });

  it('4.1.4 our own records point to the question: owner of a sinkhole address, zone of a SOA', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    const address = weir.ask('www.Listed.example', { udpPayloadBytes: 0 });
    expect(address.decoded.answers[0]?.name).toBe('www.Listed.example');
    const at = 12 + question('www.listed.example').length;
    expect([...address.message!.subarray(at, at + 2)]).toEqual([0xc0, 12]);
    const soa = weir.ask('www.Listed.example', { type: 16 });
    expect(soa.decoded.authorities[0]?.name).toBe('Listed.example');
    expect([...soa.message!.subarray(at, at + 2)]).toEqual([0xc0, 16]);
  });

  it('4.1.4 a response whose names point in circles, forward or out of it is believed in nothing', () => {
    for (const owner of ['c01d', 'c020', 'c0ff']) {
      const weir = new ResolverHarness();
      const reply = weir.ask(NAME);
      weir.upstream.last.answer({ answers: [record(hex(owner), 1, 60, hex('c0000201'))], authorities: [soaOf('.')] });
      expect(reply.decoded).toMatchObject({ rcode: Rcode.SERVFAIL, answers: [] });
    }
  });

  it('7.3 a response to another question than the one asked is not taken for its answer', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    const message = concat(header(1, 0x8180, { questions: 1, answers: 1 }), question('xww.example'), aRecord(NAME));
    weir.upstream.last.end({ kind: 'answer', message });
    expect(reply.decoded).toMatchObject({ rcode: Rcode.SERVFAIL, answers: [] });
  });
});
