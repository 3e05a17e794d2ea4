/**
 * Turns a decision into the octets of a response, in place over the query: last step of the query path. Question and id
 * stay as the client sent them; flags, counts, records and OPT are ours. Nothing here allocates.
 * RFC 1035 4.1.1, RFC 2181 9 (truncation), RFC 4035 3.2.3 (AD), RFC 6891 6 and 7, RFC 7828, RFC 7830, RFC 7873 5.2,
 * RFC 8467, RFC 8482 4.2, RFC 8767 4.
 */
import type { Config } from '../config/config.ts';
import {
  appendOptionBytes,
  extendedErrorOption,
  keepaliveOption,
  nsidOption,
  OPT_BYTES,
  udpResponseBytesMax,
  writeOptRecord,
} from '../dns/edns.ts';
import { ExtendedError } from '../dns/extended-error.ts';
import { HeaderFlag, MESSAGE_BYTES_MAX, Rcode, RecordClass, RecordType } from '../dns/iana.ts';
import { namesEqual, nameFromText, skipName } from '../dns/name.ts';
import { copyOctets, readUint16, responseFlags, setCounts, setFlags, writeUint16, writeUint32 } from '../dns/patch.ts';
import type { QueryView } from '../dns/query-view.ts';
import { padResponse } from '../dns/padding.ts';
import { patchTtls } from '../dns/ttl.ts';
import type { Answer } from './cache/answer.ts';
import { COOKIE_OPTION_BYTES, type Cookies } from './limits/cookies.ts';
import { TransportRow } from '../telemetry/counter-labels.ts';

/** The TTL of a stale record is to be "greater than 0, with a RECOMMENDED value of 30 seconds" (RFC 8767 4). */
const STALE_TTL_SECONDS = 30;
const NAME_POINTER_TO_QUESTION = 0xc00c;
const POINTER_BYTES = 2;
const RECORD_FIXED_BYTES = POINTER_BYTES + 10;
/** One EDE option without text. */
const EXTENDED_ERROR_BYTES = 6;

/** RFC 1035 3.3. */
const CHARACTER_STRING_BYTES_MAX = 255;
/** BIND's names and RFC 4892's. */
const CHAOS_NAMES = [
  ['version.bind', 'version'],
  ['version.server', 'version'],
  ['id.server', 'serverId'],
  ['hostname.bind', 'serverId'],
] as const;

/** An hour: large enough that who asks for ANY does not ask again at once (RFC 8482 4.2). */
const MINIMAL_ANY_TTL_SECONDS = 3600;
const MINIMAL_ANY_CPU = 'RFC8482';
const MINIMAL_ANY_RECORD = minimalAnyRecord();

const STALE_ANSWER = extendedErrorOption(ExtendedError.staleAnswer);
const STALE_NXDOMAIN = extendedErrorOption(ExtendedError.staleNxdomainAnswer);

export class Finisher {
  readonly #udpPayloadBytes: number;
  readonly #cookies: Cookies;
  readonly #tcpKeepalive: Uint8Array;
  readonly #tlsKeepalive: Uint8Array;
  readonly #nsid: Uint8Array;
  readonly #chaosTexts: readonly { readonly name: Uint8Array; readonly text: Uint8Array }[];
  /** Without text; made once for each info code that an upstream may give. */
  readonly #extendedErrors: readonly Uint8Array[];

  constructor(config: Config, cookies: Cookies) {
    this.#cookies = cookies;
    this.#udpPayloadBytes = config.edns.udpPayloadBytes;
    this.#tcpKeepalive = keepaliveOption(config.tcp.idleTimeoutMs);
    this.#tlsKeepalive = keepaliveOption(config.tls.idleTimeoutMs);
    this.#nsid = nsidOption(config.identity.serverId);
    this.#chaosTexts = CHAOS_NAMES.map(([name, key]) => ({
      name: nameFromText(name)!,
      text: new TextEncoder().encode(config.identity[key]).subarray(0, CHARACTER_STRING_BYTES_MAX),
    }));
    this.#extendedErrors = Array.from({ length: ExtendedError.invalidQueryType + 1 }, (_, code) =>
      extendedErrorOption(code),
    );
  }

  /** How long the response to this query may be. */
  responseBytesMax(query: QueryView, transport: number): number {
    return transport === TransportRow.udp
      ? udpResponseBytesMax(query.udpPayloadBytes, this.#udpPayloadBytes)
      : MESSAGE_BYTES_MAX;
  }

  /** A response without records. Returns its length. */
  empty(query: QueryView, transport: number, rcode: number, extendedError: Uint8Array | undefined): number {
    const { bytes, start } = query;
    setFlags(bytes, start, responseFlags(query.flags, rcode));
    setCounts(bytes, start, query.qnameBytes > 0 ? 1 : 0, 0, 0, 0);
    return this.#finishEdns(query, transport, query.questionEnd, rcode, extendedError);
  }

  /** Nothing but "ask by TCP". */
  truncated(query: QueryView, transport: number): number {
    const length = this.empty(query, transport, Rcode.NOERROR, undefined);
    query.bytes[query.start + 2]! |= HeaderFlag.TC >>> 8;
    return length;
  }

  /** SERVFAIL that says why. */
  failure(query: QueryView, transport: number, extendedError: number): number {
    return this.empty(query, transport, Rcode.SERVFAIL, this.#extendedErrors[extendedError]);
  }

  /** A cached or just received answer, its TTLs counted down; cut to the question with TC where it does not fit. */
  answer(query: QueryView, transport: number, answer: Answer, nowMs: number): number {
    const { bytes, start, questionEnd } = query;
    const isStale = nowMs >= answer.freshUntilMs && answer.freshUntilMs > answer.storedAtMs;
    const bytesMax = this.responseBytesMax(query, transport);
    const reason = isStale ? staleOption(answer) : this.#extendedErrorOf(answer);
    const flags = responseFlags(query.flags, answer.rcode) | this.#authenticatedFlag(query, answer);
    const end = questionEnd + answer.bodyBytes;
    const bytesLeft = bytesMax - (end - start) - this.#optBytes(query);
    if (answer.truncated || bytesLeft < 0) {
      setFlags(bytes, start, flags | HeaderFlag.TC);
      setCounts(bytes, start, 1, 0, 0, 0);
      return this.#finishEdns(query, transport, questionEnd, answer.rcode, reason);
    }
    // Why: an explanation that does not fit is no reason to make the client ask again over TCP.
    const extendedError = bytesLeft < EXTENDED_ERROR_BYTES ? undefined : reason;
    const { octets, ttlCount } = answer;
    copyOctets(octets, answer.bodyStart, answer.bodyBytes, bytes, questionEnd);
    const elapsedSeconds = isStale ? Number.MAX_SAFE_INTEGER : Math.floor((nowMs - answer.storedAtMs) / 1000);
    const floorSeconds = isStale ? STALE_TTL_SECONDS : 0;
    patchTtls(bytes, start, octets, answer.ttlOffsetsStart, ttlCount, elapsedSeconds, floorSeconds);
    setFlags(bytes, start, flags);
    setCounts(bytes, start, 1, answer.answerCount, answer.authorityCount, answer.additionalCount);
    return this.#finishEdns(query, transport, end, answer.rcode, extendedError);
  }

  /** Why the sign is looked at: an index below 0 is looked up as the name of a property, which costs 0.1 us. */
  #extendedErrorOf({ extendedError }: Answer): Uint8Array | undefined {
    return extendedError < 0 ? undefined : this.#extendedErrors[extendedError];
  }

  /** What the server says of itself: one TXT record of class CHAOS with TTL 0, REFUSED for any other name. */
  chaos(query: QueryView, transport: number): number {
    const text = this.#chaosTexts.find(({ name }) => namesEqual(name, 0, query.bytes, query.qnameStart))?.text;
    if (text === undefined || text.length === 0) return this.empty(query, transport, Rcode.REFUSED, undefined);
    const { bytes, start, questionEnd } = query;
    const rdata = questionEnd + RECORD_FIXED_BYTES;
    writeUint16(bytes, questionEnd, NAME_POINTER_TO_QUESTION);
    writeUint16(bytes, questionEnd + 2, RecordType.TXT);
    writeUint16(bytes, questionEnd + 4, RecordClass.CH);
    writeUint32(bytes, questionEnd + 6, 0);
    writeUint16(bytes, questionEnd + 10, text.length + 1);
    bytes[rdata] = text.length;
    bytes.set(text, rdata + 1);
    setFlags(bytes, start, responseFlags(query.flags, Rcode.NOERROR));
    setCounts(bytes, start, 1, 1, 0, 0);
    return this.#finishEdns(query, transport, rdata + 1 + text.length, Rcode.NOERROR, undefined);
  }

  /**
   * One HINFO record that says nothing but why: its first text is RFC8482, its second empty.
   * Source: RFC 8482 4.2.
   */
  minimalAny(query: QueryView, transport: number): number {
    const { bytes, start, questionEnd } = query;
    bytes.set(MINIMAL_ANY_RECORD, questionEnd);
    setFlags(bytes, start, responseFlags(query.flags, Rcode.NOERROR));
    setCounts(bytes, start, 1, 1, 0, 0);
    return this.#finishEdns(query, transport, questionEnd + MINIMAL_ANY_RECORD.length, Rcode.NOERROR, undefined);
  }

  /** The extras for a response that was written elsewhere; `length` is its length, and an OPT record its last. */
  addExtras(query: QueryView, transport: number, length: number): number {
    if (!query.hasEdns || !wantsExtras(query)) return length;
    return this.#extras(query, transport, lastRecordStart(query), query.start + length);
  }

  /**
   * Adds what only some transports and clients get (RFC 7828 keepalive, RFC 5001 NSID, RFC 7830 padding) to a response
   * whose last record is an OPT without them. `optStart` and `end` are absolute; returns the new length of the message.
   */
  #extras(query: QueryView, transport: number, optStart: number, end: number): number {
    const endMax = query.start + this.responseBytesMax(query, transport);
    let newEnd = end;
    // Who sends a cookie gets ours with every response, errors included (RFC 7873 5.2.3 to 5.2.5).
    if (query.cookieStart !== 0 && newEnd + COOKIE_OPTION_BYTES <= endMax && this.#cookies.isFor(query)) {
      newEnd = appendOptionBytes(query.bytes, optStart, newEnd, this.#cookies.option);
    }
    // Over TCP and TLS; in a query over UDP the option is ignored (RFC 7828 3.2.2).
    const keepalive =
      transport === TransportRow.tcp
        ? this.#tcpKeepalive
        : transport === TransportRow.dot
          ? this.#tlsKeepalive
          : undefined;
    if (query.hasKeepalive && keepalive !== undefined && newEnd + keepalive.length <= endMax) {
      newEnd = appendOptionBytes(query.bytes, optStart, newEnd, keepalive);
    }
    if (query.hasNsid && newEnd + this.#nsid.length <= endMax) {
      newEnd = appendOptionBytes(query.bytes, optStart, newEnd, this.#nsid);
    }
    // "Responders MUST pad DNS responses when the respective DNS query included the 'Padding' option" (RFC 7830 4), but
    // not where the transport is not encrypted (6). Last, for its length is what is left.
    if (query.paddingBytes > 0 && transport >= TransportRow.dot) {
      newEnd = padResponse(query.bytes, query.start, optStart, newEnd, endMax);
    }
    return newEnd - query.start;
  }

  #finishEdns(
    query: QueryView,
    transport: number,
    end: number,
    rcode: number,
    extendedError: Uint8Array | undefined,
  ): number {
    // "Lack of presence of an OPT record in a request MUST be taken as an indication that the requestor does not
    // implement any part of this specification and that the responder MUST NOT include an OPT record in its response"
    // (RFC 6891 7).
    if (!query.hasEdns) return end - query.start;
    const additionalCountAt = query.start + 10;
    writeUint16(query.bytes, additionalCountAt, readUint16(query.bytes, additionalCountAt) + 1);
    let newEnd = writeOptRecord(query.bytes, end, this.#udpPayloadBytes, rcode, query.dnssecOk);
    if (extendedError !== undefined) newEnd = appendOptionBytes(query.bytes, end, newEnd, extendedError);
    return wantsExtras(query) ? this.#extras(query, transport, end, newEnd) : newEnd - query.start;
  }

  /** Of the OPT record with what it must not be without. */
  #optBytes(query: QueryView): number {
    if (!query.hasEdns) return 0;
    return query.cookieStart !== 0 && this.#cookies.isFor(query) ? OPT_BYTES + COOKIE_OPTION_BYTES : OPT_BYTES;
  }

  /** AD goes only to clients that show they understand it (RFC 6840 5.8). */
  #authenticatedFlag(query: QueryView, answer: Answer): number {
    return answer.authenticated && (query.dnssecOk || (query.flags & HeaderFlag.AD) !== 0) ? HeaderFlag.AD : 0;
  }
}

function minimalAnyRecord(): Uint8Array {
  const record = new Uint8Array(RECORD_FIXED_BYTES + 1 + MINIMAL_ANY_CPU.length + 1);
  writeUint16(record, 0, NAME_POINTER_TO_QUESTION);
  writeUint16(record, 2, RecordType.HINFO);
  writeUint16(record, 4, RecordClass.IN);
  writeUint32(record, 6, MINIMAL_ANY_TTL_SECONDS);
  writeUint16(record, 10, MINIMAL_ANY_CPU.length + 2);
  record[RECORD_FIXED_BYTES] = MINIMAL_ANY_CPU.length;
  record.set(Buffer.from(MINIMAL_ANY_CPU, 'latin1'), RECORD_FIXED_BYTES + 1);
  return record;
}

function wantsExtras(query: QueryView): boolean {
  return query.hasKeepalive || query.hasNsid || query.paddingBytes > 0 || query.cookieStart !== 0;
}

/** Where the last record of the response over `query` begins. */
function lastRecordStart(query: QueryView): number {
  const { bytes, start } = query;
  let recordsLeft = readUint16(bytes, start + 6) + readUint16(bytes, start + 8) + readUint16(bytes, start + 10);
  let at = query.questionEnd;
  while (--recordsLeft > 0) {
    at = skipName(bytes, at, bytes.length) + RECORD_FIXED_BYTES - POINTER_BYTES;
    at += readUint16(bytes, at - 2);
  }
  return at;
}

function staleOption(answer: Answer): Uint8Array {
  return answer.rcode === Rcode.NXDOMAIN ? STALE_NXDOMAIN : STALE_ANSWER;
}
