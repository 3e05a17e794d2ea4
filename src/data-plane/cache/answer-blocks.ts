/**
 * Lays answers into blocks and takes them out again: the only file that knows where a field lies. An answer of one block
 * is not copied to be read: its octets are used where they are.
 */
import { MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { FOLD } from '../../dns/name.ts';
import { copyOctets } from '../../dns/patch.ts';
import type { QuestionView } from '../../dns/query-view.ts';
import { Answer, type AnswerHome } from './answer.ts';
import { BLOCK_BYTES, BLOCK_DOUBLES, BLOCK_WORDS, BlockArena, indexInSegment, NO_BLOCK } from './block-arena.ts';

/** Words of the first block. */
const OCTET_COUNT = 1;
/** qtype, rcode in four bits, flags. */
const KIND = 2;
/** Octets of body and qname, targets. */
const LENGTHS = 3;
const ANSWERS_AND_AUTHORITIES = 4;
const ADDITIONALS_AND_TTLS = 5;
const EXTENDED_ERROR = 6;
const HITS = 7;
const CLEAN_GENERATION = 8;
const CLEAN_SECONDS = 9;
/** Doubles of the first block. */
const STORED_AT = 5;
const FRESH_UNTIL = 6;
const STALE_UNTIL = 7;
const RETRY_AT = 8;
const HEADER_BYTES = 72;
const LINK_BYTES = 4;

const RCODE_SHIFT = 16;
const DNSSEC_OK = 1 << 20;
const CHECKING_DISABLED = 1 << 21;
const AUTHENTICATED = 1 << 22;
const TRUNCATED = 1 << 23;
/** What tells questions of one name apart. */
const QUESTION_BITS = 0xffff | DNSSEC_OK | CHECKING_DISABLED;

const FIRST_BYTES = BLOCK_BYTES - HEADER_BYTES;
const FURTHER_BYTES = BLOCK_BYTES - LINK_BYTES;

/** Blocks of an answer of so many octets. */
export function blocksFor(octetCount: number): number {
  return octetCount <= FIRST_BYTES ? 1 : 1 + Math.ceil((octetCount - FIRST_BYTES) / FURTHER_BYTES);
}

export class AnswerBlocks implements AnswerHome {
  readonly #arena = new BlockArena();
  readonly #found = new Answer();
  /** The octets of an answer of several blocks. */
  readonly #gathered = Buffer.alloc(2 * MESSAGE_BYTES_MAX);

  constructor() {
    this.#found.home = this;
  }

  /** Takes blocks for a copy of the answer; returns the first. */
  add(answer: Answer): number {
    const { octets, octetsStart, octetCount } = answer;
    const first = this.#arena.take(blocksFor(octetCount));
    const segment = this.#arena.segmentOf(first);
    const index = indexInSegment(first);
    const { words, doubles } = segment;
    const word = index * BLOCK_WORDS;
    words[word + OCTET_COUNT] = octetCount;
    words[word + KIND] = kindOf(answer);
    words[word + LENGTHS] = answer.bodyBytes | (answer.qnameBytes << 16) | (answer.targetCount << 24);
    words[word + ANSWERS_AND_AUTHORITIES] = answer.answerCount | (answer.authorityCount << 16);
    words[word + ADDITIONALS_AND_TTLS] = answer.additionalCount | (answer.ttlCount << 16);
    words[word + EXTENDED_ERROR] = answer.extendedError;
    const double = index * BLOCK_DOUBLES;
    doubles[double + STORED_AT] = answer.storedAtMs;
    doubles[double + FRESH_UNTIL] = answer.freshUntilMs;
    doubles[double + STALE_UNTIL] = answer.staleUntilMs;
    this.#writeUse(word, words, double, doubles, answer);
    this.#writeClean(word, words, answer);
    const inFirst = Math.min(octetCount, FIRST_BYTES);
    copyOctets(octets, octetsStart, inFirst, segment.octets, index * BLOCK_BYTES + HEADER_BYTES);
    if (inFirst < octetCount) this.#addRest(answer, first);
    return first;
  }

  #addRest({ octets, octetsStart, octetCount }: Answer, first: number): void {
    let block = first;
    for (let done = FIRST_BYTES; done < octetCount; done += FURTHER_BYTES) {
      block = this.#arena.next(block);
      const start = indexInSegment(block) * BLOCK_BYTES + LINK_BYTES;
      const count = Math.min(FURTHER_BYTES, octetCount - done);
      copyOctets(octets, octetsStart + done, count, this.#arena.segmentOf(block).octets, start);
    }
  }

  free(first: number): void {
    this.#arena.free(first);
  }

  /** Octets of the answer that begins in a block. */
  octetCount(first: number): number {
    return this.#arena.segmentOf(first).words[indexInSegment(first) * BLOCK_WORDS + OCTET_COUNT]!;
  }

  /**
   * The answer that begins in a block, if it is to exactly this question. The object is the same for every call, and its
   * octets stay as long as the cache is not written to.
   */
  match(first: number, question: QuestionView, isCheckingDisabled: boolean): Answer | undefined {
    const { bytes, qnameStart, qnameBytes } = question;
    const { words } = this.#arena.segmentOf(first);
    const word = indexInSegment(first) * BLOCK_WORDS;
    const asked = question.qtype | (question.dnssecOk ? DNSSEC_OK : 0) | (isCheckingDisabled ? CHECKING_DISABLED : 0);
    if ((words[word + KIND]! & QUESTION_BITS) !== asked) return undefined;
    if (((words[word + LENGTHS]! >>> 16) & 0xff) !== qnameBytes) return undefined;
    const found = this.#found;
    this.#locate(found, first);
    const { octets, octetsStart } = found;
    for (let i = 0; i < qnameBytes; i++) if (octets[octetsStart + i] !== FOLD[bytes[qnameStart + i]!]) return undefined;
    this.#read(found, first);
    return found;
  }

  #locate(answer: Answer, first: number): void {
    const segment = this.#arena.segmentOf(first);
    const index = indexInSegment(first);
    answer.place = first;
    answer.octetCount = segment.words[index * BLOCK_WORDS + OCTET_COUNT]!;
    answer.octets = segment.octets;
    answer.octetsStart = index * BLOCK_BYTES + HEADER_BYTES;
    if (answer.octetCount > FIRST_BYTES) this.#gather(answer);
  }

  #gather(answer: Answer): void {
    const gathered = this.#gathered;
    copyOctets(answer.octets, answer.octetsStart, FIRST_BYTES, gathered, 0);
    let done = FIRST_BYTES;
    for (let block = this.#arena.next(answer.place); block !== NO_BLOCK; block = this.#arena.next(block)) {
      const start = indexInSegment(block) * BLOCK_BYTES + LINK_BYTES;
      const count = Math.min(FURTHER_BYTES, answer.octetCount - done);
      copyOctets(this.#arena.segmentOf(block).octets, start, count, gathered, done);
      done += count;
    }
    answer.octets = gathered;
    answer.octetsStart = 0;
  }

  #read(answer: Answer, first: number): void {
    const { words, doubles } = this.#arena.segmentOf(first);
    const index = indexInSegment(first);
    const word = index * BLOCK_WORDS;
    const kind = words[word + KIND]!;
    answer.qtype = kind & 0xffff;
    answer.rcode = (kind >>> RCODE_SHIFT) & 0x0f;
    answer.dnssecOk = (kind & DNSSEC_OK) !== 0;
    answer.checkingDisabled = (kind & CHECKING_DISABLED) !== 0;
    answer.authenticated = (kind & AUTHENTICATED) !== 0;
    answer.truncated = (kind & TRUNCATED) !== 0;
    const lengths = words[word + LENGTHS]!;
    answer.bodyBytes = lengths & 0xffff;
    answer.qnameBytes = (lengths >>> 16) & 0xff;
    answer.targetCount = lengths >>> 24;
    const answersAndAuthorities = words[word + ANSWERS_AND_AUTHORITIES]!;
    answer.answerCount = answersAndAuthorities & 0xffff;
    answer.authorityCount = answersAndAuthorities >>> 16;
    const additionalsAndTtls = words[word + ADDITIONALS_AND_TTLS]!;
    answer.additionalCount = additionalsAndTtls & 0xffff;
    answer.ttlCount = additionalsAndTtls >>> 16;
    answer.extendedError = words[word + EXTENDED_ERROR]!;
    answer.hits = words[word + HITS]!;
    answer.cleanAtGeneration = words[word + CLEAN_GENERATION]!;
    answer.cleanAtSeconds = words[word + CLEAN_SECONDS]! >>> 0;
    const double = index * BLOCK_DOUBLES;
    answer.storedAtMs = doubles[double + STORED_AT]!;
    answer.freshUntilMs = doubles[double + FRESH_UNTIL]!;
    answer.staleUntilMs = doubles[double + STALE_UNTIL]!;
    answer.retryAtMs = doubles[double + RETRY_AT]!;
  }

  noteClean(answer: Answer): void {
    const { words } = this.#arena.segmentOf(answer.place);
    this.#writeClean(indexInSegment(answer.place) * BLOCK_WORDS, words, answer);
  }

  noteUse(answer: Answer): void {
    const { words, doubles } = this.#arena.segmentOf(answer.place);
    const index = indexInSegment(answer.place);
    this.#writeUse(index * BLOCK_WORDS, words, index * BLOCK_DOUBLES, doubles, answer);
  }

  #writeClean(word: number, words: Int32Array, { cleanAtGeneration, cleanAtSeconds }: Answer): void {
    words[word + CLEAN_GENERATION] = cleanAtGeneration;
    words[word + CLEAN_SECONDS] = cleanAtSeconds;
  }

  #writeUse(word: number, words: Int32Array, double: number, doubles: Float64Array, { hits, retryAtMs }: Answer): void {
    words[word + HITS] = hits;
    doubles[double + RETRY_AT] = retryAtMs;
  }
}

function kindOf(answer: Answer): number {
  return (
    answer.qtype |
    (answer.rcode << RCODE_SHIFT) |
    (answer.dnssecOk ? DNSSEC_OK : 0) |
    (answer.checkingDisabled ? CHECKING_DISABLED : 0) |
    (answer.authenticated ? AUTHENTICATED : 0) |
    (answer.truncated ? TRUNCATED : 0)
  );
}
