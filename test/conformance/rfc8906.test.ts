/** RFC 8906, A Common Operational Problem in DNS Servers: Failure to Communicate: its checks of section 8, over UDP and TCP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import type { DecodedMessage } from '../../src/dns/codec.ts';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import { closeClients, decoded, TcpClient, UdpClient } from '../support/dns-client.ts';
import { closeListeners, listenerDependencies, track } from '../support/listener-harness.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { soaOf } from '../support/scripted-answers.ts';
import { concat, header, hex, opt, option, question } from '../support/wire.ts';

const HOST = '127.0.0.1';
/** Recursion is asked for here, for the checks are of servers with a zone; a resolver has none. */
const RD = HeaderFlag.RD;
const { CD, AD, AA } = HeaderFlag;
const Z = 0x0040;
const SOA = 6;
const VERSION_1 = 0x0001_0000;
const EDNS_FLAG = 0x0040;
const DO = 0x8000;

let lastId = 0;

interface Query {
  readonly flags?: number;
  readonly type?: number;
  /** The OPT record. */
  readonly edns?: Uint8Array;
}

function queryOf({ flags = RD, type = SOA, edns }: Query): Uint8Array {
  const counts = { questions: 1, additionals: edns === undefined ? 0 : 1 };
  return concat(header(++lastId, flags, counts), question('zone.example', type), edns ?? hex(''));
}

const UNKNOWN_OPTION = option(100, hex(''));

describe.each([
  ['UDP', LISTENERS.udp, UdpClient],
  ['TCP', LISTENERS.tcp, TcpClient],
] as const)('RFC 8906 over %s', (_, bind, kind) => {
  const weir = new ResolverHarness();
  let client: UdpClient | TcpClient;

  beforeAll(async () => {
    const { deps } = listenerDependencies((arrival) => weir.resolver.resolve(arrival));
    client = await kind.open((await track(bind({ host: HOST, port: 0 }, deps))).port);
    weir.upstream.always = { answers: [soaOf('zone.example')] };
  });

  afterAll(async () => {
    closeClients();
    await closeListeners();
  });

  const ask = async (query: Query): Promise<DecodedMessage> => decoded(await client.exchange(queryOf(query)));

  function expectSoa(response: DecodedMessage): void {
    expect(response.rcode).toBe(Rcode.NOERROR);
    expect(response.answers.map(({ type }) => type)).toEqual([SOA]);
  }

  function expectBadVersion(response: DecodedMessage): void {
    expect(response.rcode).toBe(Rcode.BADVERS);
    expect([...response.answers, ...response.authorities]).toEqual([]);
    expect(response.edns).toMatchObject({ version: 0, options: [] });
    expect(response.flags & AA).toBe(0);
  }

  it('8.1.1 the zone is answered for, without EDNS where there was none', async () => {
    const response = await ask({});
    expectSoa(response);
    expect(response.edns).toBeUndefined();
  });

  it('8.1.2 a query of an unknown type works', async () => {
    weir.upstream.always = { authorities: [soaOf('zone.example')] };
    expect(await ask({ type: 1000 })).toMatchObject({ rcode: Rcode.NOERROR, answers: [] });
    weir.upstream.always = { answers: [soaOf('zone.example')] };
  });

  it.each([
    ['8.1.3.1 CD=1', CD],
    ['8.1.3.2 AD=1', AD],
    ['8.1.3.3 the reserved bit', Z],
  ])('%s: the query works; AD and the reserved bit do not come back', async (name, flag) => {
    const response = await ask({ flags: RD | flag });
    expectSoa(response);
    expect(response.flags & (Z | AD), name).toBe(0);
  });

  it('8.1.3.4 RD=0 gets a response too, and says that recursion is there', async () => {
    const response = await ask({ flags: 0 });
    expect(response.rcode).toBe(Rcode.REFUSED);
    expect(response.flags & (HeaderFlag.RA | RD)).toBe(HeaderFlag.RA);
  });

  it('8.1.4 unknown opcodes, with a header alone and with a question: NOTIMP', async () => {
    for (const opcode of [3, 6, 7, 15]) {
      const alone = decoded(await client.exchange(header(++lastId, opcode << 11)));
      expect(alone).toMatchObject({ opcode, rcode: Rcode.NOTIMP, questions: [], answers: [], edns: undefined });
      const asked = await ask({ flags: opcode << 11 });
      expect(asked).toMatchObject({ opcode, rcode: Rcode.NOTIMP, answers: [] });
      expect((alone.flags | asked.flags) & AA).toBe(0);
    }
  });

  it('8.2.1 minimal EDNS: an OPT record of version 0 in the response', async () => {
    const response = await ask({ edns: opt() });
    expectSoa(response);
    expect(response.edns).toMatchObject({ version: 0, options: [], dnssecOk: false });
  });

  it('8.2.2 EDNS version 1 and higher: BADVERS, version 0 and no record', async () => {
    for (const version of [1, 2, 100, 255]) expectBadVersion(await ask({ edns: opt(hex(''), version * VERSION_1) }));
  });

  it('8.2.3 an unknown option is ignored and not sent back', async () => {
    for (const code of [100, 65_001, 65_534]) {
      const response = await ask({ edns: opt(option(code, hex('0102'))) });
      expectSoa(response);
      expect(response.edns?.options).toEqual([]);
    }
  });

  it('8.2.4 unknown EDNS flags are ignored and not sent back', async () => {
    const query = queryOf({ edns: opt(hex(''), EDNS_FLAG) });
    const octets = await client.exchange(query);
    expectSoa(decoded(octets));
    // The OPT record is the last: flags are octets 7 and 8 of its eleven.
    expect([...octets.subarray(-4, -2)]).toEqual([0, 0]);
  });

  it('8.2.5 and 8.2.6 version 1 with unknown flags or options: BADVERS, without either', async () => {
    expectBadVersion(await ask({ edns: opt(hex(''), VERSION_1 | EDNS_FLAG) }));
    expectBadVersion(await ask({ edns: opt(UNKNOWN_OPTION, VERSION_1) }));
  });

  it('8.2.8 DO=1 comes back', async () => {
    const response = await ask({ edns: opt(hex(''), DO) });
    expectSoa(response);
    expect(response.edns?.dnssecOk).toBe(true);
  });

  it('8.2.9 version 1 with DO=1: BADVERS, DO as it does for version 0', async () => {
    const response = await ask({ edns: opt(hex(''), VERSION_1 | DO) });
    expectBadVersion(response);
    expect(response.edns?.dnssecOk).toBe(true);
  });

  it('8.2.10 several options that are defined, and one that is not, at once', async () => {
    const options = concat(
      option(3, hex('')),
      option(9, hex('')),
      option(8, hex('0001 00 00')),
      option(10, hex('0102030405060708')),
      UNKNOWN_OPTION,
    );
    const response = await ask({ edns: opt(options) });
    expectSoa(response);
    expect(response.edns?.version).toBe(0);
    expect(response.edns?.options.map(({ code }) => code)).toContain(3);
    for (const code of [8, 9, 100]) expect(response.edns?.options.map((each) => each.code)).not.toContain(code);
  });
});

it('RFC 8906 8.2.7 a truncated response has its OPT record', () => {
  const weir = new ResolverHarness();
  const reply = weir.ask('zone.example', { type: 48, udpPayloadBytes: 512, dnssecOk: true });
  weir.upstream.last.answer({ answers: Array.from({ length: 20 }, () => soaOf('zone.example')) });
  expect([reply.decoded.flags & HeaderFlag.TC, reply.decoded.answers.length]).toEqual([HeaderFlag.TC, 0]);
  expect(reply.decoded.edns).toMatchObject({ version: 0, dnssecOk: true });
});
