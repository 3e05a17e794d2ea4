import { describe, expect, it } from 'vitest';
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
