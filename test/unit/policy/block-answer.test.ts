import { describe, expect, it } from 'vitest';
import type { DecodedMessage, QueryFields } from '../../../src/dns/codec.ts';
import { HeaderFlag, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import { ACTIONS } from '../../../src/policy/actions.ts';
import type { ActionName } from '../../../src/policy/actions.ts';
import { BlockAnswers } from '../../../src/policy/block-answer.ts';
import { incidentId } from '../../../src/policy/incident.ts';
import { VerdictKind } from '../../../src/policy/policy.ts';
import type { PublishedList } from '../../../src/policy/published.ts';
import { decodeAnswer, layQuery, responseIn, slotIsCleanOutside } from '../../support/answer-query.ts';
import { testPolicy, wireName } from '../../support/publish-policy.ts';
import type { TestEntry } from '../../support/publish-policy.ts';

const BYTES_MAX = 1232;
const ADDRESSES = ['192.0.2.10', '192.0.2.11', '2001:db8::10'];

interface Block {
  readonly query?: Partial<QueryFields>;
  readonly entry?: Omit<TestEntry, 'name'>;
  readonly list?: Partial<PublishedList>;
  readonly addresses?: readonly string[];
  readonly bytesMax?: number;
  /** Judged in place of the qname, as a name that an answer's chain reached. */
  readonly chainName?: string;
}

function answered(block: Block = {}): { bytes: number; message: Uint8Array; decode: () => DecodedMessage } {
  const bytesMax = block.bytesMax ?? BYTES_MAX;
  const lists = [{ name: 'police', version: 42, ...block.list }];
  const policy = testPolicy({ lists, entries: [{ name: 'shop.example', ...block.entry }] });
  const answers = new BlockAnswers({
    sinkholeAddresses: block.addresses ?? ADDRESSES,
    sinkholeTtlSeconds: 30,
    lists: policy.published.lists,
  });
  const { view } = layQuery({
    name: block.chainName === undefined ? 'www.Shop.example' : 'cdn.example',
    ...block.query,
  });
  const name = block.chainName === undefined ? view.bytes : wireName(block.chainName);
  const nameStart = block.chainName === undefined ? view.qnameStart : 0;
  const starts = new Uint8Array(LABELS_MAX);
  const verdict = policy.judge(name, nameStart, starts, labelStartsOf(name, nameStart, starts), 0);
  expect(verdict).toBe(VerdictKind.blocked);
  const bytes = answers.write(view, policy.match, bytesMax);
  expect(bytes).toBeLessThanOrEqual(bytesMax);
  expect(slotIsCleanOutside(view, bytes, bytesMax)).toBe(true);
  return { bytes, message: responseIn(view, bytes), decode: () => decodeAnswer(view, bytes) };
}

function negative(action: ActionName, more: Block = {}): DecodedMessage {
  return answered({ ...more, entry: { action, ...more.entry } }).decode();
}

const INCIDENT = incidentId('police', 42, wireName('shop.example'));
const SOA = { name: 'shop.example', type: RecordType.SOA, ttlSeconds: 30 };
const OTHER_TYPES = Object.entries(RecordType).filter(([name]) => !['A', 'AAAA', 'OPT', 'IXFR', 'AXFR'].includes(name));

describe('a sinkholed name', () => {
  it('gets the IPv4 addresses of the sinkhole for A', () => {
    const response = answered({ query: { type: RecordType.A } }).decode();
    expect(response.rcode).toBe(Rcode.NOERROR);
    expect(response.answers).toEqual(
      ['192.0.2.10', '192.0.2.11'].map((data) => ({
        name: 'www.Shop.example',
        type: RecordType.A,
        recordClass: 1,
        ttlSeconds: 30,
        data,
      })),
    );
    expect(response.authorities).toEqual([]);
  });

  it('gets the IPv6 addresses of the sinkhole for AAAA', () => {
    const response = answered({ query: { type: RecordType.AAAA } }).decode();
    expect(response.answers.map(({ type, data }) => [type, data])).toEqual([[RecordType.AAAA, '2001:db8::10']]);
  });

  it('gets NODATA with a SOA for the family that has no address', () => {
    const response = answered({ query: { type: RecordType.AAAA }, addresses: ['192.0.2.10'] }).decode();
    expect(response.rcode).toBe(Rcode.NOERROR);
    expect(response.answers).toEqual([]);
    expect(response.authorities).toMatchObject([{ ...SOA, name: 'Shop.example' }]);
  });

  it.each(OTHER_TYPES)('gets NODATA with a SOA of the sinkhole’s TTL for %s', (_, type) => {
    const response = answered({ query: { type } }).decode();
    expect(response.rcode).toBe(Rcode.NOERROR);
    expect(response.answers).toEqual([]);
    expect(response.authorities).toMatchObject([{ ...SOA, name: 'Shop.example' }]);
    expect(response.authorities[0]!.data).toMatch(/^weir\.invalid\.? nobody\.invalid\.? \d+ \d+ \d+ \d+ 30$/);
    expect(response.edns!.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([16]);
  });
});

describe('the header and question of a block', () => {
  it('keep id, question and letter case as sent', () => {
    const { view, message } = layQuery({ name: 'www.Shop.example' });
    const response = answered().message;
    expect(response.slice(0, 2)).toEqual(message.slice(0, 2));
    expect(response.slice(12, view.questionEnd - view.start)).toEqual(message.slice(12, view.questionEnd - view.start));
  });

  it.each([
    ['RD copied', { recursionDesired: true }, HeaderFlag.RD],
    ['RD clear', { recursionDesired: false }, 0],
    ['CD copied', { recursionDesired: false, checkingDisabled: true }, HeaderFlag.CD],
  ])('have QR and RA set, AA, TC and AD clear, %s', (_, query, copied) => {
    expect(answered({ query }).decode().flags).toBe(HeaderFlag.QR | HeaderFlag.RA | copied);
  });

  it('are the same with DO and CD set: no signature, AD clear', () => {
    const response = answered({ query: { dnssecOk: true, checkingDisabled: true } }).decode();
    expect(response.flags & HeaderFlag.AD).toBe(0);
    expect(response.answers.every(({ type }) => type === RecordType.A)).toBe(true);
    expect(response.edns!.dnssecOk).toBe(true);
  });
});

describe('the extended errors of a block', () => {
  it('are absent, with the OPT record, where the query has no EDNS', () => {
    const response = answered({ query: { udpPayloadBytes: 0 } }).decode();
    expect(response.edns).toBeUndefined();
    expect(response.additionals).toEqual([]);
    expect(response.answers).toHaveLength(2);
  });

  it.each([
    ['authority', 16],
    ['operator', 15],
    ['subscriber', 17],
  ] as const)('by order of %s are %i, with list, category and incident', (order, code) => {
    const response = answered({ list: { order }, entry: { category: 'loan' } }).decode();
    expect(response.edns!.extendedErrors).toEqual([
      { infoCode: 4, text: '' },
      { infoCode: code, text: `list=police category=loan incident=${INCIDENT}` },
    ]);
    expect(response.edns!.udpPayloadBytes).toBe(1232);
  });

  it('fill in each answer’s own incident, though the bytes are prepared', () => {
    const policy = testPolicy({ lists: [{ name: 'police' }], entries: [{ name: 'a.example' }, { name: 'b.example' }] });
    const answers = new BlockAnswers({ sinkholeAddresses: [], sinkholeTtlSeconds: 5, lists: policy.published.lists });
    for (const name of ['a.example', 'b.example', 'a.example']) {
      const { view } = layQuery({ name });
      policy.judge(view.bytes, view.qnameStart, view.labelStarts, view.labelCount, 0);
      const response = decodeAnswer(view, answers.write(view, policy.match, BYTES_MAX));
      const incident = incidentId('police', 1, wireName(name));
      expect(response.edns!.extendedErrors[0]!.text).toBe(`list=police category=fraud incident=${incident}`);
    }
  });

  it('have room for the longest list name', () => {
    const name = 'a'.repeat(32);
    const response = answered({ list: { name }, entry: { category: 'impersonation' } }).decode();
    const incident = incidentId(name, 42, wireName('shop.example'));
    expect(response.edns!.extendedErrors[1]!.text).toBe(`list=${name} category=impersonation incident=${incident}`);
  });
});

describe('the other actions', () => {
  it('nxdomain: NXDOMAIN with a SOA at the entry, for a subtree entry', () => {
    const response = negative('nxdomain');
    expect(response.rcode).toBe(Rcode.NXDOMAIN);
    expect(response.answers).toEqual([]);
    expect(response.authorities).toMatchObject([{ ...SOA, name: 'Shop.example' }]);
    expect(response.edns!.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([16]);
  });

  it('nxdomain: NODATA for an exact entry, because NXDOMAIN denies all names below (RFC 8020)', () => {
    const response = negative('nxdomain', { entry: { scope: 'exact' }, query: { name: 'shop.example' } });
    expect(response.rcode).toBe(Rcode.NOERROR);
    expect(response.authorities).toMatchObject([SOA]);
  });

  it('nodata: no address, though the sinkhole has some', () => {
    const response = negative('nodata');
    expect(response.rcode).toBe(Rcode.NOERROR);
    expect(response.answers).toEqual([]);
    expect(response.authorities).toHaveLength(1);
  });

  it('refused: REFUSED without records, with the extended error', () => {
    const response = negative('refused');
    expect(response.rcode).toBe(Rcode.REFUSED);
    expect([...response.answers, ...response.authorities]).toEqual([]);
    expect(response.edns!.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([16]);
  });

  it('drop: no response', () => {
    expect(answered({ entry: { action: 'drop' } }).bytes).toBe(0);
  });
});

describe('a listed name that the answer’s chain reached', () => {
  it('blocks the asked name as the listed one, the SOA at the question', () => {
    const response = answered({ chainName: 'x.shop.example', query: { type: RecordType.HTTPS } }).decode();
    expect(response.authorities).toMatchObject([{ ...SOA, name: 'cdn.example' }]);
    expect(response.edns!.extendedErrors[0]!.text).toBe(`list=police category=fraud incident=${INCIDENT}`);
  });

  it('sinkholes the asked name', () => {
    const response = answered({ chainName: 'shop.example' }).decode();
    expect(response.answers.map(({ name, data }) => [name, data])).toEqual([
      ['cdn.example', '192.0.2.10'],
      ['cdn.example', '192.0.2.11'],
    ]);
  });

  it('is no NXDOMAIN for the asked name, whose own subtree is not listed', () => {
    const response = answered({ chainName: 'shop.example', entry: { action: 'nxdomain' } }).decode();
    expect(response.rcode).toBe(Rcode.NOERROR);
  });
});

describe('room', () => {
  // 240 octets of qname, the longest that the entry leaves: little is left of 512.
  const longName = `${'x'.repeat(63)}.${'y'.repeat(63)}.${'z'.repeat(63)}.${'w'.repeat(34)}.shop.example`;
  const many = Array.from({ length: 4 }, (_, i) => `192.0.2.${i}`);

  it('that is short costs the EXTRA-TEXT first, then the errors, never the addresses', () => {
    const query = { name: longName };
    const full = answered({ query, addresses: many, bytesMax: 600 });
    expect(full.decode().edns!.extendedErrors.map(({ text }) => text.length > 0)).toEqual([false, true]);
    const bare = answered({ query, addresses: many, bytesMax: full.bytes - 1 });
    expect(bare.decode().edns!.extendedErrors).toEqual([
      { infoCode: 4, text: '' },
      { infoCode: 16, text: '' },
    ]);
    const forged = answered({ query, addresses: many, bytesMax: bare.bytes - 1 });
    expect(forged.decode().edns!.extendedErrors).toEqual([{ infoCode: 4, text: '' }]);
    const none = answered({ query, addresses: many, bytesMax: forged.bytes - 1 });
    expect(none.decode()).toMatchObject({ edns: { extendedErrors: [] }, answers: { length: 4 } });
    const truncated = answered({ query, addresses: many, bytesMax: none.bytes - 1 }).decode();
    expect(truncated.flags & HeaderFlag.TC).toBe(HeaderFlag.TC);
    expect(truncated.answers).toEqual([]);
    expect(truncated.edns).toBeDefined();
  });

  it('of 512 octets is enough for every answer to the longest name', () => {
    for (const action of ACTIONS.filter((one) => one !== 'drop')) {
      for (const type of [RecordType.A, RecordType.AAAA, RecordType.HTTPS]) {
        const response = answered({
          query: { name: longName, type },
          entry: { action },
          addresses: many,
          bytesMax: 512,
        });
        expect(response.decode().flags & HeaderFlag.TC).toBe(0);
      }
    }
  });

  it('that is too short for the question gives no response', () => {
    expect(answered({ bytesMax: 20 }).bytes).toBe(0);
  });
});

describe('making the answers', () => {
  it('refuses an address that is none', () => {
    const options = { sinkholeAddresses: ['192.0.2'], sinkholeTtlSeconds: 30, lists: [] };
    expect(() => new BlockAnswers(options)).toThrow('192.0.2');
  });
});
