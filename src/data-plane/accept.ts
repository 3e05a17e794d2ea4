/**
 * Which messages are answered at all, and which are refused: first step of the query path. Looks at the header, the
 * question and the client's address; knows nothing of lists, cache or upstreams. Refusals are constants: a flood of bad
 * messages allocates nothing.
 * RFC 1035 4.1.1, RFC 5358 (who is served), RFC 6891 6.1.3, RFC 7873 5.4, RFC 8906, RFC 8914, RFC 9619.
 */
import { extendedErrorOption } from '../dns/edns.ts';
import { ExtendedError } from '../dns/extended-error.ts';
import { HeaderFlag, Opcode, Rcode, RecordClass, RecordType } from '../dns/iana.ts';
import { QueryFault, type QueryView } from '../dns/query-view.ts';
import { DropRow } from '../telemetry/counter-labels.ts';
import type { ClientAccess } from './client-address.ts';

export type Refusal =
  | { readonly kind: 'drop'; readonly reason: number }
  | { readonly kind: 'respond'; readonly rcode: number; readonly extendedError: Uint8Array | undefined }
  | { readonly kind: 'chaos' }
  /** Over its limit: "ask by TCP". */
  | { readonly kind: 'truncate' };

const drop = (reason: number): Refusal => ({ kind: 'drop', reason });
const respond = (rcode: number, extendedError?: number): Refusal & { readonly kind: 'respond' } => ({
  kind: 'respond',
  rcode,
  extendedError: extendedError === undefined ? undefined : extendedErrorOption(extendedError),
});

const TOO_SHORT = drop(DropRow.tooShort);
const IS_RESPONSE = drop(DropRow.response);
const FORMAT_ERROR = respond(Rcode.FORMERR);
const BAD_VERSION = respond(Rcode.BADVERS);
const NOT_IMPLEMENTED = respond(Rcode.NOTIMP);
const COOKIE_ANSWER = respond(Rcode.NOERROR);
const CLIENT_REFUSED = respond(Rcode.REFUSED, ExtendedError.prohibited);
const TYPE_REFUSED = respond(Rcode.REFUSED, ExtendedError.notSupported);
const CLASS_REFUSED = respond(Rcode.REFUSED, ExtendedError.notSupported);
const CHAOS: Refusal = { kind: 'chaos' };
/** For a question for nothing but a cookie that brings a bad one (RFC 7873 5.4), and for who must come with a good one. */
export const BAD_COOKIE = respond(Rcode.BADCOOKIE);
/** For a name that is not blocked, asked for without recursion: there is nothing here of our own. */
export const NOT_AUTHORITATIVE = respond(Rcode.REFUSED, ExtendedError.notAuthoritative);

/** Undefined: the query goes on to policy. Cost: a handful of comparisons. */
export function accept(query: QueryView, access: ClientAccess, client: Uint8Array): Refusal | undefined {
  if (query.fault === QueryFault.tooShort) return TOO_SHORT;
  if (query.fault === QueryFault.isResponse) return IS_RESPONSE;
  if (!access.allows(client)) return CLIENT_REFUSED;
  if (query.opcode !== Opcode.QUERY) return NOT_IMPLEMENTED;
  // "If a responder does not implement the VERSION level of the request, then it MUST respond with RCODE=BADVERS"
  // (RFC 6891 6.1.3). Before FORMERR, because the options of another version are not ours to judge.
  if (query.hasEdns && query.ednsVersion !== 0) return BAD_VERSION;
  if (query.fault === QueryFault.cookieOnly) return COOKIE_ANSWER;
  if (query.fault !== QueryFault.none) return FORMAT_ERROR;
  return query.qclass === RecordClass.IN ? acceptType(query.qtype) : refuseClass(query);
}

function acceptType(qtype: number): Refusal | undefined {
  switch (qtype) {
    case 0:
    case RecordType.OPT:
      return FORMAT_ERROR;
    case RecordType.TKEY:
    case RecordType.TSIG:
    case RecordType.IXFR:
    case RecordType.AXFR:
    case RecordType.MAILA:
    case RecordType.MAILB:
      return TYPE_REFUSED;
    default:
      return undefined;
  }
}

function refuseClass(query: QueryView): Refusal {
  return query.qclass === RecordClass.CH && query.qtype === RecordType.TXT ? CHAOS : CLASS_REFUSED;
}

/** Whether the client wants the answer fetched for it. */
export function wantsRecursion(query: QueryView): boolean {
  return (query.flags & HeaderFlag.RD) !== 0;
}
