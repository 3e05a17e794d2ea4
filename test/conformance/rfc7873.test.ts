/** RFC 7873, Domain Name System (DNS) Cookies: what is read of the option, and what a client gets for it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EdnsOption, Rcode } from '../../src/dns/iana.ts';
import { freezeClock, ResolverHarness, type TestReply } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { concat, header, hex, opt, option, question } from '../support/wire.ts';

function withCookie(cookieBytes: number, questions: 0 | 1 = 1): QueryView {
  const view = new QueryView();
  const cookie = option(10, new Uint8Array(cookieBytes).fill(7));
  const asked = questions === 1 ? question('a.example') : hex('');
  const message = concat(header(1, 0, { questions, additionals: 1 }), asked, opt(cookie));
  readQuery(view, message, 0, message.length);
  return view;
}

describe('RFC 7873', () => {
  it('5.2.2 a cookie that is shorter than 8, 9 to 15, or longer than 40 octets: "FORMERR is generated"', () => {
    for (let cookieBytes = 0; cookieBytes <= 48; cookieBytes += 1) {
      const isLegal = cookieBytes === 8 || (cookieBytes >= 16 && cookieBytes <= 40);
      expect(withCookie(cookieBytes).fault).toBe(isLegal ? QueryFault.none : QueryFault.malformed);
      expect(withCookie(cookieBytes).cookieBytes).toBe(isLegal ? cookieBytes : 0);
    }
  });

  it('5 of several COOKIE options only the first counts', () => {
    const view = new QueryView();
    const options = concat(option(10, hex('0102030405060708')), option(10, hex('00')));
    const message = concat(header(1, 0, { questions: 1, additionals: 1 }), question('a.example'), opt(options));
    expect(readQuery(view, message, 0, message.length)).toBe(QueryFault.none);
    expect(view.cookieBytes).toBe(8);
  });

  it('5.4 a query with QDCOUNT 0 and a COOKIE option asks for a server cookie', () => {
    expect(withCookie(8, 0).fault).toBe(QueryFault.cookieOnly);
    expect(withCookie(24, 0).fault).toBe(QueryFault.cookieOnly);
    expect(withCookie(9, 0).fault).toBe(QueryFault.malformed);
  });
});

describe('RFC 7873, the responses', () => {
  beforeEach(freezeClock);
  afterEach(() => void vi.useRealTimers());

  const CLIENT_COOKIE = hex('0102030405060708');
  const cookie = (octets: Uint8Array) => ({ options: [option(EdnsOption.COOKIE, octets)] });

  function cookieOf(reply: TestReply): Uint8Array | undefined {
    const options = reply.decoded.edns?.options.filter(({ code }) => code === EdnsOption.COOKIE) ?? [];
    expect(options.length).toBeLessThan(2);
    return options[0]?.data;
  }

  function corners(weir: ResolverHarness, fields: object): (readonly [string, TestReply])[] {
    const fetched = weir.ask('a.example', fields);
    if (fetched.wasLate) weir.upstream.last.answer({ answers: [aRecord('a.example')] });
    const failed = weir.ask(`f${weir.upstream.asks.length}.example`, fields);
    weir.upstream.last.end({ kind: 'failed', reason: 'timeout' });
    return [
      ['fetched', fetched],
      ['cached', weir.ask('a.example', fields)],
      ['failed', failed],
      ['blocked', weir.ask('listed.example', fields)],
      ['blocked without data', weir.ask('listed.example', { type: 16, ...fields })],
      ['special', weir.ask('localhost', fields)],
      ['refused', weir.ask('a.example', { recordClass: 4, ...fields })],
    ];
  }

  const withList = (config = {}) => new ResolverHarness({ entries: [{ name: 'listed.example' }], config });

  it('5.2.1 a query without the option gets a response without it', () => {
    for (const [corner, reply] of corners(withList(), {})) expect(cookieOf(reply), corner).toBeUndefined();
  });

  it('5.2.3 a client cookie alone gets an answer, and a server cookie behind its own, whatever the answer is', () => {
    for (const [corner, reply] of corners(withList(), cookie(CLIENT_COOKIE))) {
      const octets = cookieOf(reply);
      expect(octets?.length, corner).toBe(24);
      expect(octets?.subarray(0, 8), corner).toEqual(CLIENT_COOKIE);
    }
  });

  it('5.2.4 a server cookie that is not ours is as good as none: an answer, and one that is', () => {
    const weir = withList();
    const forged = concat(CLIENT_COOKIE, hex('01000000 00000000 1122334455667788'));
    for (const [corner, reply] of corners(weir, cookie(forged))) {
      expect(cookieOf(reply)?.length, corner).toBe(24);
      expect(cookieOf(reply), corner).not.toEqual(forged);
      expect(reply.decoded.rcode, corner).not.toBe(Rcode.BADCOOKIE);
    }
  });

  it('5.2.5 a correct server cookie is answered with one', () => {
    const weir = withList();
    const ours = cookieOf(weir.ask('listed.example', cookie(CLIENT_COOKIE)))!;
    for (const [corner, reply] of corners(weir, cookie(ours))) expect(cookieOf(reply), corner).toEqual(ours);
  });

  it('4.2 a server cookie is of the client’s address and of its cookie', () => {
    const weir = withList();
    const first = cookieOf(weir.ask('listed.example', cookie(CLIENT_COOKIE)))!;
    const elsewhere = cookieOf(weir.ask('listed.example', { ...cookie(CLIENT_COOKIE), client: '127.0.0.2' }))!;
    const other = cookieOf(weir.ask('listed.example', cookie(hex('0102030405060709'))))!;
    expect(
      new Set([first, elsewhere, other].map((octets) => Buffer.from(octets.subarray(8)).toString('hex'))).size,
    ).toBe(3);
  });

  it('5.4 a query for a cookie alone, QDCOUNT 0: NOERROR with one, BADCOOKIE where it brings a wrong one', () => {
    const weir = withList();
    const probe = (octets: Uint8Array): TestReply =>
      weir.send(concat(header(7, 0x0100, { additionals: 1 }), opt(option(EdnsOption.COOKIE, octets))));
    const fresh = probe(CLIENT_COOKIE);
    expect(fresh.decoded).toMatchObject({ rcode: Rcode.NOERROR, questions: [], answers: [] });
    const ours = cookieOf(fresh)!;
    expect(ours).toHaveLength(24);
    expect(probe(ours).decoded.rcode).toBe(Rcode.NOERROR);
    const wrong = probe(ours.with(23, ours[23]! ^ 1));
    expect(wrong.decoded.rcode).toBe(Rcode.BADCOOKIE);
    expect(cookieOf(wrong)).toEqual(ours);
  });

  it('5.4 where cookies are off, one that is wrong is wrong for nobody', () => {
    const weir = withList({ limits: { cookies: 'off' } });
    const wrong = Uint8Array.of(...CLIENT_COOKIE, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8);
    const probe = concat(header(7, 0x0100, { additionals: 1 }), opt(option(EdnsOption.COOKIE, wrong)));
    const reply = weir.send(probe);
    expect(reply.decoded.rcode).toBe(Rcode.NOERROR);
    expect(cookieOf(reply)).toBeUndefined();
  });

  it('5.2 where cookies are turned off the option is ignored', () => {
    const weir = withList({ limits: { cookies: 'off' } });
    for (const [corner, reply] of corners(weir, cookie(CLIENT_COOKIE))) expect(cookieOf(reply), corner).toBeUndefined();
  });

  it('RFC 9018 4.3 the server cookie says when it was made, and is made anew as time passes', () => {
    const weir = withList();
    const madeAt = (): number => {
      const octets = cookieOf(weir.ask('listed.example', cookie(CLIENT_COOKIE)))!;
      expect([...octets.subarray(8, 12)]).toEqual([1, 0, 0, 0]);
      return Buffer.from(octets).readUInt32BE(12);
    };
    expect(madeAt()).toBe(Math.floor(Date.now() / 1000));
    weir.advance(3_600_000);
    expect(madeAt()).toBe(Math.floor(Date.now() / 1000));
  });
});
