/**
 * Looks at what somebody wrote into the form before any of it is kept: lengths, characters that a person deciding on it
 * could be deceived by, the shape of an address. Pure.
 */
import { APPELLANTS, type AppealRefusal, type AppealRefusalCode, type Appellant, type NewAppeal } from './appeal.ts';

/** Units: UTF-16 code units, after trimming. */
export const CONTACT_CHARACTERS_MIN = 3;
export const CONTACT_CHARACTERS_MAX = 200;
export const REASON_CHARACTERS_MIN = 10;
export const REASON_CHARACTERS_MAX = 2_000;
export const EVIDENCE_CHARACTERS_MAX = 500;

/** 20 octets in base64url. */
const SECRET_PATTERN = /^[A-Za-z0-9_-]{27}$/;

/**
 * Control characters, and what reorders or hides text around it: embeddings, overrides and isolates (UAX 9), interlinear
 * marks, tags, noncharacters. Why not every format character: Uyghur and emoji are written with joiners and marks.
 */
// oxlint-disable-next-line no-control-regex -- they are what it is about
const DECEIVING = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\uffff\u{e0000}-\u{e007f}]/u;

export interface CheckedAppeal {
  readonly kind: 'checked';
  readonly who: Appellant;
  readonly contact: string;
  readonly reason: string;
  readonly evidenceUrl: string | undefined;
}

export function checkAppeal(sent: NewAppeal): CheckedAppeal | AppealRefusal {
  const who = APPELLANTS.find((word) => word === sent.who);
  if (who === undefined) return refusal('badWho', `who is ${APPELLANTS.join(' or ')}`);
  const contact = sent.contact.trim();
  if (!fits(contact, CONTACT_CHARACTERS_MIN, CONTACT_CHARACTERS_MAX)) {
    return refusal('badContact', textOf('contact', CONTACT_CHARACTERS_MIN, CONTACT_CHARACTERS_MAX));
  }
  // Why: forms send a line's end as CR LF, and a reason may have paragraphs.
  const reason = sent.reason.replaceAll(/\r\n?/g, '\n').trim();
  if (!fits(reason.replaceAll(/[\n\t]/g, ' '), REASON_CHARACTERS_MIN, REASON_CHARACTERS_MAX)) {
    return refusal('badReason', textOf('reason', REASON_CHARACTERS_MIN, REASON_CHARACTERS_MAX));
  }
  const evidence = sent.evidenceUrl.trim();
  if (evidence !== '' && !isWebAddress(evidence)) {
    const text = `evidenceUrl begins with http:// or https:// and has at most ${EVIDENCE_CHARACTERS_MAX} characters`;
    return refusal('badEvidence', text);
  }
  if (!SECRET_PATTERN.test(sent.secret)) return refusal('badSecret', 'the form is not one that this page made');
  return { kind: 'checked', who, contact, reason, evidenceUrl: evidence === '' ? undefined : evidence };
}

export function refusal(code: AppealRefusalCode, message: string): AppealRefusal {
  return { kind: 'refused', code, message };
}

function fits(text: string, min: number, max: number): boolean {
  return text.length >= min && text.length <= max && !DECEIVING.test(text);
}

function textOf(field: string, min: number, max: number): string {
  return `${field} has ${min} to ${max} characters and no control characters or changes of direction`;
}

function isWebAddress(text: string): boolean {
  if (text.length > EVIDENCE_CHARACTERS_MAX || DECEIVING.test(text) || /\s/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '';
}
