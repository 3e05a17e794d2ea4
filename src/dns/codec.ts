/**
 * Whole messages to and from plain objects, for the command line, health probes and tests. The one home of dns2, whose
 * record codecs it uses; OPT is read and written by our own code, since dns2 drops the options it does not know. Not for
 * the query path: it allocates freely (about 20 microseconds a message). RFC 1035 4; RFC 6891; RFC 3597 5.
 */
import { Packet } from 'dns2';
import {
  appendOptionBytes,
  OPT_BYTES,
  OPTION_HEADER_BYTES,
  UDP_PAYLOAD_BYTES_DEFAULT,
  writeOptRecord,
} from './edns.ts';
import { EdnsOption, HEADER_BYTES, HeaderFlag, MESSAGE_BYTES_MAX, RecordClass, RecordType } from './iana.ts';
import { nameBytes, nameFromText } from './name.ts';
import { readUint16, setCounts, setFlags, setId, writeUint16 } from './patch.ts';
import { genericText, recordText } from './record-text.ts';
import { readRecords, type OptRecord, type ResponseRecord } from './response-records.ts';

const QUESTION_FIXED_BYTES = 4;
const decoder = new TextDecoder();

type Resource = InstanceType<typeof Packet>['answers'][number];

export interface QueryFields {
  readonly id: number;
  /** In master-file notation. */
  readonly name: string;
  readonly type: number;
  readonly recordClass?: number;
  /** Default true. */
  readonly recursionDesired?: boolean;
  readonly checkingDisabled?: boolean;
  readonly dnssecOk?: boolean;
  /** 0: no OPT record. Default UDP_PAYLOAD_BYTES_DEFAULT. */
  readonly udpPayloadBytes?: number;
  /** Whole options (edns.ts encodeOption). */
  readonly options?: readonly Uint8Array[];
}

export interface DecodedQuestion {
  readonly name: string;
  readonly type: number;
  readonly recordClass: number;
}

export interface DecodedRecord {
  readonly name: string;
  readonly type: number;
  readonly recordClass: number;
  readonly ttlSeconds: number;
  /** RDATA as a master file would have it; "\# length hex" for a type without a form of its own here. */
  readonly data: string;
}

export interface DecodedEdns {
  readonly version: number;
  readonly udpPayloadBytes: number;
  readonly dnssecOk: boolean;
  readonly options: readonly { readonly code: number; readonly data: Uint8Array }[];
  readonly extendedErrors: readonly { readonly infoCode: number; readonly text: string }[];
}

export interface DecodedMessage {
  readonly id: number;
  readonly flags: number;
  readonly opcode: number;
  /** 12 bits. */
  readonly rcode: number;
  readonly questions: readonly DecodedQuestion[];
  readonly answers: readonly DecodedRecord[];
  readonly authorities: readonly DecodedRecord[];
  /** Without the OPT record. */
  readonly additionals: readonly DecodedRecord[];
  readonly edns: DecodedEdns | undefined;
}

/** Errors: undefined for a name that is none. */
export function encodeQuery(fields: QueryFields): Uint8Array | undefined {
  const qname = nameFromText(fields.name);
  if (qname === undefined) return undefined;
  const options = fields.options ?? [];
  const optionsBytes = options.reduce((sum, option) => sum + option.length, 0);
  const message = new Uint8Array(HEADER_BYTES + qname.length + QUESTION_FIXED_BYTES + OPT_BYTES + optionsBytes);
  const hasEdns = fields.udpPayloadBytes !== 0;
  setId(message, 0, fields.id);
  setFlags(
    message,
    0,
    (fields.recursionDesired === false ? 0 : HeaderFlag.RD) | (fields.checkingDisabled ? HeaderFlag.CD : 0),
  );
  setCounts(message, 0, 1, 0, 0, hasEdns ? 1 : 0);
  message.set(qname, HEADER_BYTES);
  const optStart = HEADER_BYTES + qname.length + QUESTION_FIXED_BYTES;
  writeUint16(message, optStart - 4, fields.type);
  writeUint16(message, optStart - 2, fields.recordClass ?? RecordClass.IN);
  if (!hasEdns) return message.slice(0, optStart);
  let end = writeOptRecord(
    message,
    optStart,
    fields.udpPayloadBytes ?? UDP_PAYLOAD_BYTES_DEFAULT,
    0,
    fields.dnssecOk ?? false,
  );
  for (const option of options) end = appendOptionBytes(message, optStart, end, option);
  return message.slice(0, end);
}

/** Errors: undefined for a message that is malformed or that dns2 cannot decode. Never throws. */
export function decodeMessage(message: Uint8Array): DecodedMessage | undefined {
  if (message.length < HEADER_BYTES || message.length > MESSAGE_BYTES_MAX) return undefined;
  const questionEnd = endOfQuestion(message);
  const records = questionEnd < 0 ? undefined : readRecords(message, questionEnd);
  if (records === undefined) return undefined;
  const packet = parse(message);
  if (packet === undefined) return undefined;
  const flags = readUint16(message, 2);
  return {
    id: readUint16(message, 0),
    flags,
    opcode: (flags >>> 11) & 0x0f,
    rcode: ((records.opt?.upperRcode ?? 0) << 4) | (flags & 0x0f),
    questions: packet.questions.map(({ name, type, class: recordClass }) => ({
      name: printable(name),
      type,
      recordClass,
    })),
    answers: decodedRecords(message, packet.answers, records.answers),
    authorities: decodedRecords(message, packet.authorities, records.authorities),
    additionals: decodedRecords(
      message,
      packet.additionals.filter(({ type }) => type !== RecordType.OPT),
      records.additionals,
    ),
    edns: records.opt === undefined ? undefined : decodedEdns(message, records.opt),
  };
}

function endOfQuestion(message: Uint8Array): number {
  const count = readUint16(message, 4);
  if (count === 0) return HEADER_BYTES;
  const qnameBytes = nameBytes(message, HEADER_BYTES);
  const end = HEADER_BYTES + qnameBytes + QUESTION_FIXED_BYTES;
  return count === 1 && qnameBytes > 0 && end <= message.length ? end : -1;
}

function parse(message: Uint8Array): InstanceType<typeof Packet> | undefined {
  try {
    const packet = Packet.parse(Buffer.from(message.buffer, message.byteOffset, message.length));
    return packet.errors.length === 0 ? packet : undefined;
  } catch {
    // dns2 reports what it cannot read by throwing; to us that is one more malformed message.
    return undefined;
  }
}

function decodedRecords(
  message: Uint8Array,
  resources: readonly Resource[],
  located: readonly ResponseRecord[],
): DecodedRecord[] {
  return resources.map((resource, index) => {
    const { rdataStart, end } = located[index]!;
    return {
      name: printable(resource.name),
      type: resource.type,
      recordClass: resource.class,
      ttlSeconds: resource.ttl,
      data: recordText(resource) ?? genericText(message.subarray(rdataStart, end)),
    };
  });
}

/** dns2 gives octets as characters; those that a terminal or a log would act upon are escaped. */
function printable(name: string): string {
  if (name === '') return '.';
  return name.replaceAll(/[^\u0021-\u007e]/gu, (char) => `\\${String(char.codePointAt(0)).padStart(3, '0')}`);
}

function decodedEdns(message: Uint8Array, opt: OptRecord): DecodedEdns {
  const options: { code: number; data: Uint8Array }[] = [];
  const extendedErrors: { infoCode: number; text: string }[] = [];
  let at = opt.start + OPT_BYTES;
  while (at < opt.end) {
    const code = readUint16(message, at);
    const data = message.slice(at + OPTION_HEADER_BYTES, at + OPTION_HEADER_BYTES + readUint16(message, at + 2));
    options.push({ code, data });
    if (code === EdnsOption.EDE && data.length >= 2) {
      extendedErrors.push({ infoCode: readUint16(data, 0), text: decoder.decode(data.subarray(2)) });
    }
    at += OPTION_HEADER_BYTES + data.length;
  }
  const { version, udpPayloadBytes, dnssecOk } = opt;
  return { version, udpPayloadBytes, dnssecOk, options, extendedErrors };
}
