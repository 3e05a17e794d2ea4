/** Responses of fake upstreams beyond an address: chains, negative answers, long ones. */
import { HEADER_BYTES, RecordType } from '../../src/dns/iana.ts';
import type { FakeQuery } from './fake-upstream.ts';
import { concat, header, opt, question, record, soaRdata, wireName, words } from './wire.ts';

export interface Sections {
  readonly flags?: number;
  readonly rcode?: number;
  readonly answers?: readonly Uint8Array[];
  readonly authorities?: readonly Uint8Array[];
  readonly additionals?: readonly Uint8Array[];
}

/** What a response repeats of its query. */
export type Asked = Pick<FakeQuery, 'message' | 'name' | 'qtype'>;

const QR_RD_RA = 0x8180;

/** A response with the query's id and question, an OPT where the query has one. */
export function answerWithRecords(query: Asked, sections: Sections): Uint8Array {
  const { flags = 0, rcode = 0, answers = [], authorities = [], additionals = [] } = sections;
  const hasEdns = query.message[11] === 1;
  const id = (query.message[0]! << 8) | query.message[1]!;
  return concat(
    header(id, QR_RD_RA | flags | rcode, {
      questions: 1,
      answers: answers.length,
      authorities: authorities.length,
      additionals: additionals.length + (hasEdns ? 1 : 0),
    }),
    query.message.subarray(HEADER_BYTES, HEADER_BYTES + question(query.name, query.qtype).length),
    ...answers,
    ...authorities,
    ...additionals,
    ...(hasEdns ? [opt()] : []),
  );
}

export const aRecord = (owner: string, address = '192.0.2.7', ttlSeconds = 300): Uint8Array =>
  record(owner, RecordType.A, ttlSeconds, Uint8Array.from(address.split('.').map(Number)));

export const cnameRecord = (owner: string, target: string, ttlSeconds = 300): Uint8Array =>
  record(owner, RecordType.CNAME, ttlSeconds, wireName(target));

export const dnameRecord = (owner: string, target: string, ttlSeconds = 300): Uint8Array =>
  record(owner, RecordType.DNAME, ttlSeconds, wireName(target));

export const httpsRecord = (owner: string, priority: number, target: string, type: number = RecordType.HTTPS) =>
  record(owner, type, 300, concat(words(priority), wireName(target)));

export const soaOf = (zone: string, minimumSeconds = 60): Uint8Array =>
  record(zone, RecordType.SOA, 300, soaRdata(minimumSeconds));
