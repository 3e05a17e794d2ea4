import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TransportRow } from '../../../src/telemetry/counter-labels.ts';
import { encodeOption } from '../../../src/dns/edns.ts';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { EdnsOption, HeaderFlag, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { type AskFields, freezeClock, ResolverHarness, type TestReply } from '../../support/resolver-harness.ts';
import { aRecord } from '../../support/scripted-answers.ts';
import { record } from '../../support/wire.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';
const KEEPALIVE = encodeOption(EdnsOption.KEEPALIVE, new Uint8Array(0));
const NSID = encodeOption(EdnsOption.NSID, new Uint8Array(0));
const TC = HeaderFlag.TC;
/** Header and question. */
const QUESTION_BYTES = 12 + 13 + 4;
const OPT_BYTES = 11;

/** One record that makes the whole response, OPT not counted, `bytes` long. */
const recordFor = (bytes: number) =>
  record(NAME, RecordType.NULL, 60, new Uint8Array(bytes - QUESTION_BYTES - 13 - 10));

/** The same answer twice: late, and from the cache. */
function answered(weir: ResolverHarness, fields: AskFields, answers: readonly Uint8Array[]): TestReply[] {
  const late = weir.ask(NAME, { type: RecordType.NULL, ...fields });
  weir.upstream.last.answer({ answers });
  const cached = weir.ask(NAME, { type: RecordType.NULL, ...fields });
  expect([late.wasLate, cached.wasLate]).toEqual([true, false]);
  return [late, cached];
}

describe('a response over UDP', () => {
  it.each([
    ['without EDNS', 0, 512],
    ['with EDNS below 512', 200, 512 - OPT_BYTES],
    ['with EDNS 900', 900, 900 - OPT_BYTES],
    ['with EDNS above our own limit', 4096, 1232 - OPT_BYTES],
  ])(
    '%s (%i) is whole up to the limit and only then cut to its question, with TC and OPT',
    (_, udpPayloadBytes, room) => {
      for (const reply of answered(new ResolverHarness(), { udpPayloadBytes }, [recordFor(room)])) {
        expect(reply.decoded.flags & TC).toBe(0);
        expect(reply.decoded.answers).toHaveLength(1);
      }
      for (const reply of answered(new ResolverHarness(), { udpPayloadBytes }, [recordFor(room + 1)])) {
        expect(reply.decoded.flags & TC).toBe(TC);
        expect(reply.decoded.answers).toEqual([]);
        expect(reply.decoded.questions).toHaveLength(1);
        expect(reply.decoded.edns === undefined).toBe(udpPayloadBytes === 0);
        expect(reply.message).toHaveLength(QUESTION_BYTES + (udpPayloadBytes === 0 ? 0 : OPT_BYTES));
      }
    },
  );

  it('leaves NSID out where it does not fit, and never grows beyond the limit', () => {
    const weir = new ResolverHarness({ config: { identity: { serverId: 'a-long-server-identity' } } });
    for (const reply of answered(weir, { options: [NSID] }, [recordFor(1232 - OPT_BYTES - 3)])) {
      expect(reply.decoded.answers).toHaveLength(1);
      expect(reply.decoded.edns?.options).toEqual([]);
      expect(reply.message!.length).toBeLessThanOrEqual(1232);
    }
  });

  it('that the upstream had to cut is passed on cut and not remembered', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.upstream.last.answer({ flags: TC, answers: [aRecord(NAME)] });
    expect(reply.decoded.flags & TC).toBe(TC);
    expect(reply.decoded.answers).toEqual([]);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });
});

describe('a response over TCP', () => {
  const tcp = { transport: TransportRow.tcp };

  it('has 65,535 octets at most', () => {
    for (const reply of answered(new ResolverHarness(), tcp, [recordFor(65_535 - OPT_BYTES)])) {
      expect(reply.message).toHaveLength(65_535);
      expect(reply.decoded.answers).toHaveLength(1);
    }
    for (const reply of answered(new ResolverHarness(), tcp, [recordFor(65_536 - OPT_BYTES)])) {
      expect(reply.decoded.flags & TC).toBe(TC);
    }
  });

  it.each([0, 1, 2, 5])('has 65,535 octets at most with keepalive asked for and %i to spare', (spare) => {
    const fields = { ...tcp, options: [KEEPALIVE] };
    for (const reply of answered(new ResolverHarness(), fields, [recordFor(65_535 - OPT_BYTES - spare)])) {
      expect(reply.message!.length).toBeLessThanOrEqual(65_535);
      expect(reply.decoded.answers).toHaveLength(1);
    }
  });

  it.each([254, 255, 256, 511])('counts OPT beside %i additional records', (count) => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME, tcp);
    const additionals = Array.from({ length: count }, () => aRecord('ns.example', '192.0.2.2', 60));
    weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.1', 60)], additionals });
    expect(Buffer.from(reply.message!).readUInt16BE(10)).toBe(count + 1);
  });

  it('carries the idle timeout in keepalive where the client asks (RFC 7828), also when blocked or special', () => {
    const weir = new ResolverHarness({
      entries: [{ name: 'bad.example' }],
      config: { tcp: { idleTimeoutMs: 12_300 } },
    });
    const fields = { ...tcp, options: [KEEPALIVE] };
    const replies = [
      ...answered(weir, fields, [recordFor(100)]),
      weir.ask('bad.example', fields),
      weir.ask('localhost', fields),
      weir.ask(NAME, { ...fields, recursionDesired: false }),
    ];
    for (const { decoded } of replies) {
      const keepalive = decoded.edns?.options.filter(({ code }) => code === EdnsOption.KEEPALIVE);
      expect(keepalive?.map(({ data }) => [...data])).toEqual([[0, 123]]);
    }
  });

  it('carries no keepalive where the client does not ask', () => {
    for (const { decoded } of answered(new ResolverHarness(), tcp, [recordFor(100)])) {
      expect(decoded.edns?.options).toEqual([]);
    }
  });
});

describe('options', () => {
  it('over UDP have no keepalive (RFC 7828 3.2.1), though the client asks', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'bad.example' }] });
    const replies = [
      ...answered(weir, { options: [KEEPALIVE] }, [recordFor(100)]),
      weir.ask('bad.example', { options: [KEEPALIVE] }),
    ];
    for (const { decoded } of replies) {
      expect(decoded.edns?.options.some(({ code }) => code === EdnsOption.KEEPALIVE)).toBe(false);
    }
  });

  it('have NSID where the client asks (RFC 5001), beside extended errors', () => {
    const weir = new ResolverHarness({
      entries: [{ name: 'bad.example' }],
      config: { identity: { serverId: 'node-7' } },
    });
    const fields = { options: [NSID] };
    const blocked = weir.ask('bad.example', fields);
    expect(blocked.infoCodes).toEqual([ExtendedError.forgedAnswer, ExtendedError.censored]);
    for (const { decoded } of [...answered(weir, fields, [recordFor(100)]), blocked, weir.ask('localhost', fields)]) {
      const nsid = decoded.edns?.options.filter(({ code }) => code === EdnsOption.NSID);
      expect(nsid?.map(({ data }) => Buffer.from(data).toString())).toEqual(['node-7']);
    }
  });

  it('are ours alone: payload size, version 0, DO as the client has it', () => {
    const weir = new ResolverHarness();
    for (const dnssecOk of [false, true]) {
      for (const { decoded } of answered(weir, { dnssecOk, udpPayloadBytes: 4096 }, [recordFor(100)])) {
        expect(decoded.edns).toMatchObject({ udpPayloadBytes: 1232, version: 0, dnssecOk });
      }
    }
  });
});

describe('header flags', () => {
  it('are QR, RA, RD and CD as asked; never AA', () => {
    const weir = new ResolverHarness();
    for (const checkingDisabled of [false, true]) {
      for (const { decoded } of answered(weir, { checkingDisabled }, [recordFor(100)])) {
        const expected = HeaderFlag.QR | HeaderFlag.RA | HeaderFlag.RD | (checkingDisabled ? HeaderFlag.CD : 0);
        expect(decoded.flags).toBe(expected);
      }
    }
  });

  it('of an upstream’s AA or Z bits nothing is left', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.upstream.last.answer({ flags: HeaderFlag.AA | 0x0040, rcode: Rcode.NXDOMAIN });
    expect(reply.decoded.flags).toBe(HeaderFlag.QR | HeaderFlag.RA | HeaderFlag.RD | Rcode.NXDOMAIN);
  });
});
