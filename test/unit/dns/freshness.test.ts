import { describe, expect, it } from 'vitest';
import { freshnessSeconds } from '../../../src/dns/freshness.ts';
import { soaRecord } from '../../../src/dns/negative-answer.ts';
import { concat, header, hex, opt, question, record } from '../../support/wire.ts';

const NAME = 'a.example';
const a = (ttlSeconds: number): Uint8Array => record(NAME, 1, ttlSeconds, hex('c0000201'));
/** A SOA whose own TTL differs from its MINIMUM. */
function soa(ttlSeconds: number, minimumSeconds: number): Uint8Array {
  const octets = concat(hex('c00c'), soaRecord({ ttlSeconds: minimumSeconds }));
  new DataView(octets.buffer, octets.byteOffset).setUint32(6, ttlSeconds);
  return octets;
}

function freshness(
  rcode: number,
  answers: Uint8Array[],
  authorities: Uint8Array[] = [],
  additionals: Uint8Array[] = [],
) {
  const counts = {
    questions: 1,
    answers: answers.length,
    authorities: authorities.length,
    additionals: additionals.length,
  };
  const message = concat(header(1, 0x8180 | rcode, counts), question(NAME), ...answers, ...authorities, ...additionals);
  const inRoom = concat(hex('eeeeee'), message, hex('ee'));
  return freshnessSeconds(inRoom, 3, 3 + message.length);
}

describe('how long a response is fresh', () => {
  it.each([
    ['the smallest TTL of the answers', freshness(0, [a(300), a(60), a(600)]), 60],
    [
      'not the TTL of authorities or additionals',
      freshness(0, [a(300)], [record(NAME, 2, 5, hex('00'))], [a(1), opt()]),
      300,
    ],
    ['a TTL of 0', freshness(0, [a(300), a(0)]), 0],
    ['a TTL with its highest bit set, which is 0', freshness(0, [a(0xffff_ffff)]), 0],
    ['NODATA: MINIMUM where it is smaller', freshness(0, [], [soa(900, 30)]), 30],
    ['NXDOMAIN: the TTL of the SOA where it is smaller', freshness(3, [], [soa(20, 900)]), 20],
    ['a chain that ends in nothing: the smaller of both', freshness(3, [a(10)], [soa(900, 900)]), 10],
    ['the same, the other way round', freshness(0, [a(100)], [soa(50, 900)]), 50],
    ['nothing that says it', freshness(0, []), 0],
    ['SERVFAIL', freshness(2, [a(300)]), 0],
    ['REFUSED', freshness(5, []), 0],
  ])('%s', (_, seconds, expected) => {
    expect(seconds).toBe(expected);
  });

  it('is 0 for what is no message', () => {
    for (const octets of [hex(''), hex('0000'), new Uint8Array(12).fill(0xff).with(3, 0)]) {
      expect(freshnessSeconds(octets, 0, octets.length)).toBe(0);
    }
  });
});
