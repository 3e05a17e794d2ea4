/** Responses as dns2 writes them, with compressed names: what other people's servers send. */
import { Packet } from 'dns2';
import { HeaderFlag, RecordClass } from '../../src/dns/iana.ts';
import { setFlags, setId } from '../../src/dns/patch.ts';

type Resource = InstanceType<typeof Packet>['answers'][number];

export interface ResponseFields {
  readonly id: number;
  /** The whole flags word; QR is set whatever it says. */
  readonly flags?: number;
  readonly question: { readonly name: string; readonly type: number; readonly recordClass?: number };
  readonly answers?: readonly RecordFields[];
  readonly authorities?: readonly RecordFields[];
  readonly additionals?: readonly RecordFields[];
}

/** A record for dns2 to encode: its own fields for the types it knows, `data` with the RDATA's octets for others. */
export type RecordFields = Omit<Partial<Resource>, 'toBuffer' | 'ttl' | 'class'> & {
  readonly name: string;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly recordClass?: number;
};

/**
 * A response with compressed names and without an OPT record (append one with edns.ts).
 * Errors: throws on fields that dns2 cannot encode: they are the caller's own.
 */
export function encodeResponse(fields: ResponseFields): Uint8Array {
  const packet = new Packet();
  const { question } = fields;
  packet.questions.push(new Packet.Question(question.name, question.type, question.recordClass ?? RecordClass.IN));
  packet.answers.push(...(fields.answers ?? []).map(encodableRecord));
  packet.authorities.push(...(fields.authorities ?? []).map(encodableRecord));
  packet.additionals.push(...(fields.additionals ?? []).map(encodableRecord));
  const message = new Uint8Array(packet.toBuffer());
  setId(message, 0, fields.id);
  setFlags(message, 0, (fields.flags ?? HeaderFlag.RD | HeaderFlag.RA) | HeaderFlag.QR);
  return message;
}

function encodableRecord(fields: RecordFields): Resource {
  const { ttlSeconds, recordClass, ...rest } = fields;
  return new Packet.Resource({ ...rest, ttl: ttlSeconds, class: recordClass ?? RecordClass.IN });
}
