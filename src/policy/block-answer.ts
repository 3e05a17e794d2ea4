/**
 * Answers a blocked query in place: the table of what a blocked name gets, for every type and action, with its extended
 * errors. Behind the policy on the query path; also behind the check of an upstream answer's chain. Never anything of
 * the original answer, never a signature, and AD=0: what we say is ours (RFC 4035 3.2.3).
 *
 * No block is NXDOMAIN unless its entry covers all below it, for NXDOMAIN says that nothing exists below (RFC 8020);
 * nor where the listed name was met behind the qname: the names below the qname are not listed.
 */
import {
  OPT_BYTES,
  UDP_PAYLOAD_BYTES_DEFAULT,
  appendOptionBytes,
  extendedErrorOption,
  writeOptRecord,
} from '../dns/edns.ts';
import { ExtendedError } from '../dns/extended-error.ts';
import { Rcode, RecordType } from '../dns/iana.ts';
import { soaRecord } from '../dns/negative-answer.ts';
import type { QueryView } from '../dns/query-view.ts';
import { ACTIONS } from './actions.ts';
import { addressOctets } from './address.ts';
import { CATEGORIES } from './category.ts';
import { INCIDENT_BYTES, INCIDENT_PLACEHOLDER, listTag, writeIncident } from './incident.ts';
import {
  POINTER_BYTES,
  addressRecordCount,
  addressRecords,
  appendRecordAt,
  appendRecords,
  questionBytes,
  writeAnswerHeader,
  writeTruncated,
} from './local-answer.ts';
import { entryHash32 } from './name-hash.ts';
import type { PolicyMatch } from './policy.ts';
import type { ListOrder, PublishedList } from './published.ts';
import { RuleScope } from './rules.ts';

export interface BlockAnswersOptions {
  readonly sinkholeAddresses: readonly string[];
  readonly sinkholeTtlSeconds: number;
  /** Of the policy whose matches are answered. */
  readonly lists: readonly PublishedList[];
  /** What our OPT record offers. */
  readonly udpPayloadBytes?: number;
}

/** A list's extended error for one category, the incident id at its end yet to be filled in. */
interface ErrorTemplate {
  readonly option: Uint8Array;
  /** The same without EXTRA-TEXT, for answers with little room. */
  readonly bareOption: Uint8Array;
  readonly listTag: number;
}

const ORDER_ERRORS: Record<ListOrder, number> = {
  authority: ExtendedError.censored,
  operator: ExtendedError.blocked,
  subscriber: ExtendedError.filtered,
};
const ACTION_SINKHOLE = ACTIONS.indexOf('sinkhole');
const ACTION_NXDOMAIN = ACTIONS.indexOf('nxdomain');
const ACTION_REFUSED = ACTIONS.indexOf('refused');
const ACTION_DROP = ACTIONS.indexOf('drop');
const NO_RECORDS = new Uint8Array(0);
const FORGED_ANSWER = extendedErrorOption(ExtendedError.forgedAnswer);

/** EXTRA-TEXT of a block, as clients and their logs see it. */
function blockText(listName: string, category: string, incident: string): string {
  return `list=${listName} category=${category} incident=${incident}`;
}

/** Errors: the constructor throws on an address that is none; the configuration has been checked before. */
export class BlockAnswers {
  readonly #lists: readonly PublishedList[];
  readonly #udpPayloadBytes: number;
  readonly #a: Uint8Array;
  readonly #aaaa: Uint8Array;
  readonly #soa: Uint8Array;
  /** By list index and category; made when first needed. */
  readonly #templates: (ErrorTemplate | undefined)[] = [];

  constructor(options: BlockAnswersOptions) {
    const addresses = options.sinkholeAddresses.map((text) => {
      const octets = addressOctets(text);
      if (octets === undefined) throw new Error(`not an IP address: ${text}`);
      return octets;
    });
    this.#lists = options.lists;
    this.#udpPayloadBytes = options.udpPayloadBytes ?? UDP_PAYLOAD_BYTES_DEFAULT;
    this.#a = addressRecords(RecordType.A, addresses, options.sinkholeTtlSeconds);
    this.#aaaa = addressRecords(RecordType.AAAA, addresses, options.sinkholeTtlSeconds);
    this.#soa = soaRecord({ ttlSeconds: options.sinkholeTtlSeconds });
  }

  /**
   * Writes the response over the query and returns its octets, or 0 for no response at all (action drop).
   * @param bytesMax the response may have, never more than the buffer has room for behind `query.start`
   * Cost: hot path; allocates nothing but a list's and category's first extended error.
   */
  write(query: QueryView, match: PolicyMatch, bytesMax: number): number {
    const action = match.actionIndex;
    if (action === ACTION_DROP) return 0;
    if (action === ACTION_REFUSED) return this.#finish(query, match, Rcode.REFUSED, NO_RECORDS, 0, false, bytesMax);
    if (action === ACTION_SINKHOLE) {
      const records =
        query.qtype === RecordType.A ? this.#a : query.qtype === RecordType.AAAA ? this.#aaaa : NO_RECORDS;
      if (records.length > 0) {
        const answers = addressRecordCount(query.qtype, records);
        return this.#finish(query, match, Rcode.NOERROR, records, answers, false, bytesMax);
      }
    }
    const nameError = action === ACTION_NXDOMAIN && match.scope === RuleScope.subtree && isOnQuestion(query, match);
    return this.#finish(query, match, nameError ? Rcode.NXDOMAIN : Rcode.NOERROR, NO_RECORDS, 0, true, bytesMax);
  }

  #finish(
    query: QueryView,
    match: PolicyMatch,
    rcode: number,
    records: Uint8Array,
    answers: number,
    withSoa: boolean,
    bytesMax: number,
  ): number {
    const recordsBytes = records.length + (withSoa ? POINTER_BYTES + this.#soa.length : 0);
    const neededBytes = questionBytes(query) + recordsBytes + (query.hasEdns ? OPT_BYTES : 0);
    if (neededBytes > bytesMax) return writeTruncated(query, rcode, this.#udpPayloadBytes, bytesMax);
    // Why first: the entry's name may lie where the records go, behind the question.
    const entryHash = query.hasEdns ? entryHash32(match.bytes, match.entryStart) : 0;
    writeAnswerHeader(query, rcode, answers, withSoa ? 1 : 0);
    let end = appendRecords(query, query.questionEnd, records);
    if (withSoa) end = appendRecordAt(query, end, isOnQuestion(query, match) ? match.suffixLabel : 0, this.#soa);
    if (query.hasEdns) end = this.#writeErrors(query, match, end, rcode, answers > 0, entryHash, bytesMax);
    return end - query.start;
  }

  /** The OPT record with its extended errors, as far as they fit; returns the end. */
  #writeErrors(
    query: QueryView,
    match: PolicyMatch,
    optStart: number,
    rcode: number,
    forged: boolean,
    entryHash: number,
    bytesMax: number,
  ): number {
    const bytes = query.bytes;
    const endMax = query.start + bytesMax;
    let end = writeOptRecord(bytes, optStart, this.#udpPayloadBytes, rcode, query.dnssecOk);
    if (forged && end + FORGED_ANSWER.length <= endMax) end = appendOptionBytes(bytes, optStart, end, FORGED_ANSWER);
    const template = this.#template(match);
    if (end + template.option.length <= endMax) {
      end = appendOptionBytes(bytes, optStart, end, template.option);
      writeIncident(bytes, end - INCIDENT_BYTES, template.listTag, match.list.version, entryHash);
    } else if (end + template.bareOption.length <= endMax) {
      end = appendOptionBytes(bytes, optStart, end, template.bareOption);
    }
    return end;
  }

  #template(match: PolicyMatch): ErrorTemplate {
    const key = match.listIndex * CATEGORIES.length + match.categoryIndex;
    let template = this.#templates[key];
    if (template === undefined) {
      const list = this.#lists[match.listIndex] ?? match.list;
      const code = ORDER_ERRORS[list.order];
      const category = CATEGORIES[match.categoryIndex] ?? 'other';
      template = {
        option: extendedErrorOption(code, blockText(list.name, category, INCIDENT_PLACEHOLDER)),
        bareOption: extendedErrorOption(code),
        listTag: listTag(list.name),
      };
      this.#templates[key] = template;
    }
    return template;
  }
}

/** Whether the match is on the query's own qname, in place, and not on a name that an answer led to. */
function isOnQuestion(query: QueryView, match: PolicyMatch): boolean {
  return match.bytes === query.bytes && match.nameStart === query.qnameStart;
}
