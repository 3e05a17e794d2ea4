/** RFC 7830, The EDNS(0) Padding Option. */
import { describe, expect, it } from 'vitest';
import { EdnsOption } from '../../src/dns/iana.ts';
import { TransportRow } from '../../src/telemetry/counter-labels.ts';
import { ResolverHarness, type TestReply } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
import { option } from '../support/wire.ts';

const PADDED = { options: [option(EdnsOption.PADDING, new Uint8Array(32))] };
const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
weir.ask('cached.example');
weir.upstream.last.answer({ answers: [aRecord('cached.example')] });

function paddingOf(reply: TestReply): Uint8Array | undefined {
  return reply.decoded.edns?.options.find(({ code }) => code === EdnsOption.PADDING)?.data;
}

/** Answers from every corner: a list, a special name, a refusal, the upstream, the cache, a failure. */
const asks: readonly (readonly [string, (fields: object) => TestReply])[] = [
  ['a blocked name', (fields) => weir.ask('www.listed.example', fields)],
  ['a special name', (fields) => weir.ask('localhost', fields)],
  ['what is refused', (fields) => weir.ask('x.example', { ...fields, recursionDesired: false })],
  [
    'what waited for the upstream',
    (fields) => {
      const name = `n${weir.upstream.asks.length}.example`;
      const reply = weir.ask(name, fields);
      weir.upstream.last.answer({ answers: [aRecord(name)] });
      return reply;
    },
  ],
  ['what is in the cache', (fields) => weir.ask('cached.example', fields)],
  [
    'what upstreams failed to answer',
    (fields) => {
      const reply = weir.ask(`f${weir.upstream.asks.length}.example`, fields);
      weir.upstream.last.end({ kind: 'failed', reason: 'timeout' });
      return reply;
    },
  ],
];

describe.each([
  ['DoT', TransportRow.dot],
  ['DoH', TransportRow.doh],
])('RFC 7830 over %s', (_, transport) => {
  it.each(asks)(
    '4 "Responders MUST pad DNS responses when the respective DNS query included the \'Padding\' option": %s',
    (__, ask) => {
      expect(paddingOf(ask({ ...PADDED, transport }))).toBeDefined();
    },
  );

  it.each(asks)('4 a response to a query without the option has none: %s', (__, ask) => {
    expect(paddingOf(ask({ transport }))).toBeUndefined();
  });

  it('3 "The PADDING octets SHOULD be set to 0x00"', () => {
    const padding = paddingOf(weir.ask('listed.example', { ...PADDED, transport }));
    expect(padding?.length).toBeGreaterThan(0);
    expect(padding?.every((octet) => octet === 0)).toBe(true);
  });

  it('3 an option of length 0 asks as well', () => {
    const empty = { options: [option(EdnsOption.PADDING, new Uint8Array(0))] };
    expect(paddingOf(weir.ask('listed.example', { ...empty, transport }))).toBeDefined();
  });
});

describe.each([
  ['UDP', TransportRow.udp],
  ['TCP', TransportRow.tcp],
])('RFC 7830 over %s', (_, transport) => {
  it.each(asks)('6 "implementations MUST NOT use this option if the DNS transport is not encrypted": %s', (__, ask) => {
    expect(paddingOf(ask({ ...PADDED, transport }))).toBeUndefined();
  });
});
