/**
 * Follows the question through the answer section of an upstream's response: every name that its CNAME and DNAME records
 * and its SVCB and HTTPS targets lead to, whatever the order of the records. Policy judges these names; records that the
 * walk does not reach answer another question and are dropped (rebuild-response.ts).
 * RFC 1034 4.3.2; RFC 6672 2.2; RFC 9460 2.4.
 */
import { RecordType } from './iana.ts';
import { expandName, LABELS_MAX, labelStartsOf, NAME_BYTES_MAX, namesEqual } from './name.ts';
import type { ResponseRecord } from './response-records.ts';

/** Names that one answer may lead to. Recursors follow 8 to 17; a response with more of them is malformed to us. */
export const TARGETS_MAX = 32;

export interface AnswerChain {
  /** Lower-case wire-format names, the question's own left out; in the order of the walk. */
  readonly targets: Uint8Array[];
  /** Same index as the answers: whether the walk reached the record. */
  readonly reached: boolean[];
  /** Where the aliases end: the owner name that the data, or the lack of it, is about. */
  readonly finalName: Uint8Array;
}

const scratchName = new Uint8Array(NAME_BYTES_MAX);
const scratchStarts = new Uint8Array(LABELS_MAX);

/** Errors: undefined if the chain leads to more than TARGETS_MAX names. */
export function followChain(
  message: Uint8Array,
  qname: Uint8Array,
  answers: readonly ResponseRecord[],
): AnswerChain | undefined {
  const names: Uint8Array[] = [qname];
  const reached = answers.map(() => false);
  let finalName = qname;
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index]!;
    for (const [answerIndex, answer] of answers.entries()) {
      // Why: a record has one owner, and only a DNAME can lead on from several names.
      if (reached[answerIndex] === true && answer.type !== RecordType.DNAME) continue;
      const isOwner = namesEqual(answer.owner, 0, name, 0);
      const target = isOwner
        ? (targetOf(message, answer) ?? NOTHING)
        : answer.type === RecordType.DNAME
          ? substitute(message, answer, name)
          : undefined;
      if (target === undefined) continue;
      reached[answerIndex] = true;
      if (target === NOTHING || names.some((known) => namesEqual(known, 0, target, 0))) continue;
      if (names.length > TARGETS_MAX) return undefined;
      names.push(target);
      if (isAlias(answer.type)) finalName = target;
    }
  }
  reachSignatures(answers, reached);
  return { targets: names.slice(1), reached, finalName };
}

/** The record belongs to the chain but leads nowhere. */
const NOTHING = new Uint8Array(0);

function isAlias(type: number): boolean {
  return type === RecordType.CNAME || type === RecordType.DNAME;
}

/** The name that a record of one of the chain's owners leads to. */
function targetOf(message: Uint8Array, answer: ResponseRecord): Uint8Array | undefined {
  if (answer.type === RecordType.CNAME) return nameAt(message, answer.rdataStart, answer.end);
  if (answer.type !== RecordType.SVCB && answer.type !== RecordType.HTTPS) return undefined;
  const target = nameAt(message, answer.rdataStart + 2, answer.end);
  // "." is the owner itself in ServiceMode and "not available" in AliasMode (RFC 9460 2.5).
  return target !== undefined && target.length > 1 ? target : undefined;
}

/**
 * What a DNAME makes of a name below its owner: the owner's labels replaced by the target's. NOTHING where the result is
 * over length (the response should have YXDOMAIN), undefined where the name is not below the owner.
 */
function substitute(message: Uint8Array, dname: ResponseRecord, name: Uint8Array): Uint8Array | undefined {
  const prefixBytes = name.length - dname.owner.length;
  if (prefixBytes <= 0 || !isLabelStart(name, prefixBytes)) return undefined;
  if (!namesEqual(name, prefixBytes, dname.owner, 0)) return undefined;
  const target = nameAt(message, dname.rdataStart, dname.end);
  if (target === undefined || prefixBytes + target.length > NAME_BYTES_MAX) return NOTHING;
  const substituted = new Uint8Array(prefixBytes + target.length);
  substituted.set(name.subarray(0, prefixBytes));
  substituted.set(target, prefixBytes);
  return substituted;
}

function isLabelStart(name: Uint8Array, offset: number): boolean {
  const labelCount = labelStartsOf(name, 0, scratchStarts);
  if (offset === name.length - 1) return true;
  for (let index = 0; index < labelCount; index += 1) if (scratchStarts[index] === offset) return true;
  return false;
}

/** Signatures over a DNAME bear its owner name, which is above the chain's names. */
function reachSignatures(answers: readonly ResponseRecord[], reached: boolean[]): void {
  for (const [index, answer] of answers.entries()) {
    if (reached[index] === true || answer.type !== RecordType.RRSIG) continue;
    reached[index] = answers.some(
      (other, otherIndex) =>
        reached[otherIndex] === true && other.type === RecordType.DNAME && namesEqual(other.owner, 0, answer.owner, 0),
    );
  }
}

function nameAt(message: Uint8Array, offset: number, end: number): Uint8Array | undefined {
  const nameBytes = expandName(message, 0, offset, end, scratchName);
  return nameBytes < 0 ? undefined : scratchName.slice(0, nameBytes);
}
