/**
 * What an HTTP request to the DoH listener asks for, from its method, target and header fields: a DNS message, or the
 * status that says what is wrong with it. Pure; the same for HTTP/1.1 and HTTP/2. RFC 8484 4.1, RFC 9110 15.5.
 */
import { HEADER_BYTES, MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import type { DohStatus } from '../../telemetry/counter-labels.ts';

export const DOH_PATH = '/dns-query';
export const DNS_MEDIA_TYPE = 'application/dns-message';
/** Of a request target; longer queries go by POST. */
export const TARGET_BYTES_MAX = 8 * 1024;
export const ALLOWED_METHODS = 'GET, HEAD, POST';
/** "base64url ... Padding characters for base64url MUST NOT be included" (RFC 8484 4.1). */
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const GET_PREFIX = `${DOH_PATH}?dns=`;

export interface DohRequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly contentLength: string | undefined;
}

export interface DohFault {
  readonly kind: 'fault';
  readonly status: Exclude<DohStatus, 200>;
  readonly text: string;
}

export type DohRequest =
  /** GET: the message. */
  | { readonly kind: 'message'; readonly message: Buffer; readonly isHead: boolean }
  /** POST: the body will be the message. */
  | { readonly kind: 'body' }
  | DohFault;

function fault(status: DohFault['status'], text: string): DohFault {
  return { kind: 'fault', status, text };
}

const NOT_FOUND = fault(404, `DNS over HTTPS is at ${DOH_PATH}.`);
const METHOD = fault(405, `Methods: ${ALLOWED_METHODS}.`);
const NOT_ACCEPTABLE = fault(406, `The only representation is ${DNS_MEDIA_TYPE}.`);
export const TOO_LARGE = fault(413, `A DNS message has at most ${MESSAGE_BYTES_MAX} octets.`);
const TARGET_TOO_LONG = fault(414, 'Longer queries go by POST.');
const MEDIA_TYPE = fault(415, `The content must be ${DNS_MEDIA_TYPE}.`);
const NO_MESSAGE = fault(400, 'The dns parameter is missing, or there is more than one.');
const BAD_BASE64URL = fault(400, 'The dns parameter is not base64url without padding.');
export const BAD_MESSAGE = fault(400, 'This is no DNS query.');
export const TOO_SLOW = fault(408, 'The request took too long.');

/** Cost: for a GET as browsers write it one comparison, one look at each character and the decoding. */
export function readDohRequest(head: DohRequestHead): DohRequest {
  const { method, target } = head;
  if (target.length > TARGET_BYTES_MAX) return TARGET_TOO_LONG;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  if (path !== DOH_PATH) return NOT_FOUND;
  if (method !== 'GET' && method !== 'POST' && method !== 'HEAD') return METHOD;
  if (head.accept !== undefined && !accepts(head.accept)) return NOT_ACCEPTABLE;
  if (method !== 'POST') return readTarget(target, query, method === 'HEAD');
  // "The content type ... MUST be application/dns-message" for what is defined there; else 415 (RFC 8484 4.2.1).
  if (mediaTypeOf(head.contentType ?? '') !== DNS_MEDIA_TYPE) return MEDIA_TYPE;
  return Number(head.contentLength ?? 0) > MESSAGE_BYTES_MAX ? TOO_LARGE : { kind: 'body' };
}

function readTarget(target: string, query: number, isHead: boolean): DohRequest {
  const isPlain = target.startsWith(GET_PREFIX) && !target.includes('&') && !target.includes('%');
  const values = isPlain ? [target.slice(GET_PREFIX.length)] : parameters(target, query);
  const [text] = values;
  if (text === undefined || values.length > 1) return NO_MESSAGE;
  if (!BASE64URL.test(text) || text.length % 4 === 1) return BAD_BASE64URL;
  const message = Buffer.from(text, 'base64url');
  return message.length < HEADER_BYTES ? BAD_MESSAGE : { kind: 'message', message, isHead };
}

function parameters(target: string, query: number): string[] {
  return query < 0 ? [] : new URLSearchParams(target.slice(query + 1)).getAll('dns');
}

function mediaTypeOf(field: string): string {
  const end = field.indexOf(';');
  return (end < 0 ? field : field.slice(0, end)).trim().toLowerCase();
}

/** Whether a client takes DNS messages: RFC 9110 12.5.1, without looking for the best of several. */
function accepts(field: string): boolean {
  if (field === DNS_MEDIA_TYPE || field === '*/*') return true;
  return field.split(',').some((range) => {
    const type = mediaTypeOf(range);
    const isMatch = type === DNS_MEDIA_TYPE || type === 'application/*' || type === '*/*' || type === '';
    return isMatch && !/;\s*q=0(?:\.0{0,3})?\s*(?:;|$)/i.test(range);
  });
}
