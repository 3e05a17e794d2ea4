/**
 * Exceptions in the ledger: the clients of one prefix are let through to a name for some hours, whatever lists say. Types
 * and limits, and the look at one before any of it is kept; the resolver threads have what is active
 * (policy/client-exceptions.ts). A prefix may be one household: it is forgotten with its row, and the audit chain never
 * has it.
 */
import { nameFromText } from '../../dns/name.ts';
import { MAPPED_BITS, readClientPrefix } from '../../policy/client-prefix.ts';
import { normaliseName } from '../list-sync/format/normalise-name.ts';
import type { Actor, EntryScope, LedgerRefusal } from './ledger.ts';

/** Units: hours. */
export const EXCEPTION_HOURS_MAX = 168;
/** No larger prefix. Why: an exception for everyone is an allow list, and that is the operator's to write. */
export const IPV4_BITS_MIN = 24;
export const IPV6_BITS_MIN = 48;

export const EXCEPTION_STATES = ['active', 'ended', 'expired'] as const;
export type ExceptionState = (typeof EXCEPTION_STATES)[number];

/** As it was sent. */
export interface NewException {
  readonly name: string;
  readonly scope: EntryScope;
  /** An address, or a prefix. */
  readonly clients: string;
  readonly hours: number;
  readonly reason: string;
}

export interface ExceptionRow {
  readonly id: string;
  /** A-labels, lower case, no trailing dot. */
  readonly name: string;
  readonly scope: EntryScope;
  readonly clients: string;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAtSeconds: number;
  /** Over from that second on. */
  readonly untilSeconds: number;
  readonly state: ExceptionState;
  readonly endedBy: string | undefined;
  readonly endedAtSeconds: number | undefined;
  readonly endReason: string | undefined;
}

export interface ExceptionFilter {
  readonly state?: ExceptionState;
  /** Behind this one. */
  readonly after?: string;
  readonly limit: number;
}

export type ExceptionCreated = { readonly kind: 'created'; readonly exception: ExceptionRow };
export type ExceptionEnded = { readonly kind: 'ended'; readonly exception: ExceptionRow };

/** Everything that may be asked of the ledger about exceptions. */
export interface ExceptionLedger {
  /** Errors: none; refusals are values (badException, forbidden, tooManyExceptions). */
  createException(sent: NewException, actor: Actor): Promise<ExceptionCreated | LedgerRefusal>;
  endException(id: string, reason: string, actor: Actor): Promise<ExceptionEnded | LedgerRefusal>;
  /** In the order they were created. */
  exceptions(filter: ExceptionFilter): Promise<readonly ExceptionRow[]>;
}

type Checked = { readonly kind: 'checked'; readonly name: string } | { readonly kind: 'bad'; readonly why: string };

/** What it says in the form that is kept, or why it is refused: a sentence for people. */
export function checkException({ name: text, clients, hours }: NewException): Checked {
  const normalised = normaliseName(text);
  if (normalised.kind !== 'name' || nameFromText(normalised.name) === undefined) return bad('name is no domain name');
  // Why: one that is not below a top-level domain would let through all of the internet, or a large part of it.
  if (!/[^.]\.[^.]/.test(normalised.name)) return bad('name is a whole top-level domain');
  const prefix = readClientPrefix(clients);
  if (prefix === undefined) return bad('clients is no address and no prefix');
  const isIpv4 = !clients.includes(':');
  if (prefix.bits < (isIpv4 ? IPV4_BITS_MIN + MAPPED_BITS : IPV6_BITS_MIN)) {
    return bad(`clients is larger than ${isIpv4 ? `an IPv4 /${IPV4_BITS_MIN}` : `an IPv6 /${IPV6_BITS_MIN}`}`);
  }
  if (!Number.isInteger(hours) || hours < 1 || hours > EXCEPTION_HOURS_MAX) {
    return bad(`hours is a whole number from 1 to ${EXCEPTION_HOURS_MAX}`);
  }
  return { kind: 'checked', name: normalised.name };
}

function bad(why: string): Checked {
  return { kind: 'bad', why };
}
