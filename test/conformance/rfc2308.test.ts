import { describe, expect, it } from 'vitest';
import { soaRecord } from '../../src/dns/negative-answer.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, question, QNAME_POINTER, record, soaRdata, wireName } from '../support/wire.ts';

function negative(soa: Uint8Array, rcode = 3, answers: Uint8Array[] = []): Uint8Array {
  const counts = { questions: 1, answers: answers.length, authorities: 1 };
  return concat(header(1, 0x8180 | rcode, counts), question('www.an.example'), ...answers, soa);
}

describe('RFC 2308', () => {
  it('2.1 a name error is told by the rcode, whatever aliases lead to it', () => {
    const alias = record(QNAME_POINTER, 5, 60, wireName('tripp.example'));
    const view = readResponse(negative(record('example', 6, 300, soaRdata(300)), 3, [alias]));
    expect(view).toMatchObject({ kind: 'nxdomain', negativeTtlSeconds: 300 });
  });

  it('2.2 no data is NOERROR without a record of the type asked', () => {
    const view = readResponse(negative(record('example', 6, 300, soaRdata(300)), 0));
    expect(view).toMatchObject({ kind: 'nodata', answerCount: 0, negativeTtlSeconds: 300 });
  });

  it.each([
    [900, 60, 60],
    [60, 900, 60],
    [0x8000_0000, 60, 0],
  ])("5 the TTL is the lower of the SOA's own (%i) and MINIMUM (%i)", (ttl, minimum, expected) => {
    expect(readResponse(negative(record('example', 6, ttl, soaRdata(minimum))))?.negativeTtlSeconds).toBe(expected);
  });

  it('5 an answer without a SOA record has no negative TTL, nor has one of another zone', () => {
    expect(
      readResponse(negative(record('example', 2, 60, wireName('ns.example'))))?.negativeTtlSeconds,
    ).toBeUndefined();
    expect(readResponse(negative(record('other.test', 6, 60, soaRdata(60))))?.negativeTtlSeconds).toBeUndefined();
    expect(readResponse(negative(record('n.example', 6, 60, soaRdata(60))))?.negativeTtlSeconds).toBeUndefined();
  });

  it('3 our own negative answers carry a SOA whose TTL equals its MINIMUM', () => {
    const soa = concat(wireName('an.example'), soaRecord({ ttlSeconds: 30 }));
    expect(readResponse(negative(soa))).toMatchObject({ negativeTtlSeconds: 30, ttlSecondsMin: 30 });
  });
});
