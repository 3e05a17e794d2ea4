import { describe, expect, it } from 'vitest';
import { TARGETS_MAX } from '../../../src/dns/answer-chain.ts';
import { HeaderFlag, RecordType } from '../../../src/dns/iana.ts';
import { nameToText } from '../../../src/dns/name.ts';
import { readResponse } from '../../../src/dns/response-view.ts';
import { concat, header, hex, question, record, wireName, words } from '../../support/wire.ts';

const cname = (owner: string, target: string): Uint8Array => record(owner, RecordType.CNAME, 60, wireName(target));
const dname = (owner: string, target: string): Uint8Array => record(owner, RecordType.DNAME, 60, wireName(target));
const a = (owner: string): Uint8Array => record(owner, RecordType.A, 60, hex('c0000201'));
const https = (owner: string, priority: number, target: string): Uint8Array =>
  record(owner, RecordType.HTTPS, 60, concat(words(priority), wireName(target)));

const signature = (owner: string): Uint8Array =>
  record(owner, RecordType.RRSIG, 60, concat(new Uint8Array(18), hex('00')));
const chainOf = (length: number): Uint8Array[] =>
  Array.from({ length }, (_, index) => cname(index === 0 ? 'www.example' : `n${index}.test`, `n${index + 1}.test`));

function read(answers: Uint8Array[], name = 'www.example'): { targets: string[]; dropped: number } | undefined {
  const flags = HeaderFlag.QR;
  const view = readResponse(
    concat(header(1, flags, { questions: 1, answers: answers.length }), question(name), ...answers),
  );
  if (view === undefined) return undefined;
  return { targets: view.targets.map((target) => nameToText(target, 0)), dropped: view.droppedCount };
}

describe('followChain', () => {
  it('follows CNAME records in any order and case', () => {
    const answers = [a('c.example'), cname('B.example', 'c.example'), cname('wWw.example', 'B.EXAMPLE')];
    expect(read(answers)).toEqual({ targets: ['b.example', 'c.example'], dropped: 0 });
  });

  it('ends at a loop', () => {
    expect(read([cname('www.example', 'b.example'), cname('b.example', 'www.example')])).toEqual({
      targets: ['b.example'],
      dropped: 0,
    });
  });

  it('follows every branch where an owner has several aliases', () => {
    const answers = [
      cname('www.example', 'b.example'),
      cname('www.example', 'c.example'),
      a('b.example'),
      a('c.example'),
    ];
    expect(read(answers)).toEqual({ targets: ['b.example', 'c.example'], dropped: 0 });
  });

  it('substitutes DNAME targets, also without the CNAME that servers add', () => {
    const chain = [dname('example', 'other.test'), a('www.other.test')];
    expect(read(chain)).toEqual({ targets: ['www.other.test'], dropped: 0 });
    const synthesised = [dname('example', 'other.test'), cname('www.example', 'www.other.test'), a('www.other.test')];
    expect(read(synthesised)).toEqual({ targets: ['www.other.test'], dropped: 0 });
  });

  it('reaches what a DNAME and a CNAME that contradict it lead to, both', () => {
    const answers = [dname('example', 'other.test'), cname('www.example', 'elsewhere.test')];
    expect(read(answers)?.targets.toSorted()).toEqual(['elsewhere.test', 'www.other.test']);
  });

  it('applies a DNAME at label boundaries and below its owner only', () => {
    expect(read([dname('ww.example', 'x.test')])).toEqual({ targets: [], dropped: 1 });
    expect(read([dname('www.example', 'x.test')])).toEqual({ targets: [], dropped: 0 });
  });

  it('finds a DNAME malformed that covers its own target, for its chain has no end', () => {
    expect(read([dname('example', 'x.example')])).toBeUndefined();
    expect(read([dname('.', 'x.test')])).toBeUndefined();
  });

  it('does not take octets inside a label for a name', () => {
    const name = String.raw`x\007example`;
    expect(read([dname('example', 'x.test')], name)).toEqual({ targets: [], dropped: 1 });
  });

  it('stops where a substitution is over length', () => {
    const longName = Array.from({ length: 3 }, () => 'a'.repeat(60)).join('.');
    expect(read([dname('example', longName)], `${longName}.example`)).toEqual({ targets: [], dropped: 0 });
  });

  it('keeps the signature of a DNAME, and of no other name', () => {
    const answers = [
      dname('example', 'x.test'),
      signature('example'),
      signature('www.example'),
      signature('stray.test'),
    ];
    expect(read(answers)).toEqual({ targets: ['www.x.test'], dropped: 1 });
  });

  it('reaches the targets of HTTPS records in alias and service mode, and not the dot', () => {
    expect(read([https('www.example', 0, 'pool.test')])).toEqual({ targets: ['pool.test'], dropped: 0 });
    expect(read([https('www.example', 1, 'svc.test')])).toEqual({ targets: ['svc.test'], dropped: 0 });
    expect(read([https('www.example', 1, '.')])).toEqual({ targets: [], dropped: 0 });
    expect(read([https('other.example', 1, 'svc.test')])).toEqual({ targets: [], dropped: 1 });
  });

  it('follows as many names as TARGETS_MAX; more are malformed, so that none hides behind the limit', () => {
    expect(read(chainOf(TARGETS_MAX))?.targets).toHaveLength(TARGETS_MAX);
    expect(read(chainOf(TARGETS_MAX + 1))).toBeUndefined();
  });
});
