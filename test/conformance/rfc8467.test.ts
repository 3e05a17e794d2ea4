/** RFC 8467, Padding Policies for Extension Mechanisms for DNS (EDNS(0)). */
import { describe, expect, it } from 'vitest';
import { EdnsOption } from '../../src/dns/iana.ts';
import { TransportRow } from '../../src/telemetry/counter-labels.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
import { option } from '../support/wire.ts';

const BLOCK = 468;
const asked = (fields = {}) => ({
  transport: TransportRow.dot,
  options: [option(EdnsOption.PADDING, new Uint8Array(0))],
  ...fields,
});

describe('RFC 8467', () => {
  const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });

  it('4.1 "Servers SHOULD pad the corresponding response to a multiple of 468 octets"', () => {
    for (let labels = 1; labels < 8; labels++) {
      const name = `${'x.'.repeat(labels)}listed.example`;
      expect(weir.ask(name, asked()).message?.length).toBe(BLOCK);
    }
    for (const count of [1, 28, 60, 200]) {
      const reply = weir.ask(`n${count}.example`, asked());
      weir.upstream.last.answer({
        answers: Array.from({ length: count }, (_, index) => aRecord(`n${count}.example`, `192.0.2.${index}`)),
      });
      expect(reply.decoded.answers).toHaveLength(count);
      expect(reply.message!.length % BLOCK).toBe(0);
    }
  });

  it('3 other options come before: the padding fills what is left', () => {
    const options = [option(EdnsOption.NSID, new Uint8Array(0)), option(EdnsOption.PADDING, new Uint8Array(0))];
    const reply = weir.ask('listed.example', asked({ options }));
    expect(reply.message).toHaveLength(BLOCK);
    expect(reply.decoded.edns?.options.at(-1)?.code).toBe(EdnsOption.PADDING);
    expect(reply.decoded.edns?.options.map(({ code }) => code)).toContain(EdnsOption.NSID);
  });

  it('3 a response is never longer than a message may be', () => {
    const reply = weir.ask('large.example', asked());
    const answers = Array.from({ length: 2_250 }, (_, index) =>
      aRecord('large.example', `192.${index >> 8}.2.${index & 0xff}`),
    );
    weir.upstream.last.answer({ answers });
    expect(reply.decoded.answers).toHaveLength(answers.length);
    expect(reply.message!.length).toBeLessThanOrEqual(65_535);
  });
});
