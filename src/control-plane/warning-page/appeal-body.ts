/**
 * Reads what was sent to the form, by a browser or by a program. Every field is a text or missing; what it says is checked
 * by the ledger. Nothing else of a body is looked at, and nothing of it is logged.
 */

/** Of a body: the fields at their longest, as a form encodes Chinese (nine octets a character), and some more. */
export const APPEAL_BODY_BYTES_MAX = 32 * 1024;
const FIELDS_MAX = 20;

const APPEAL_FIELDS = ['who', 'contact', 'reason', 'evidenceUrl', 'key', 'incident', 'by'] as const;
export type AppealFields = Readonly<Record<(typeof APPEAL_FIELDS)[number], string>>;

/** Undefined: not as its content type says. */
export function readAppealBody(contentType: string, body: string): AppealFields | undefined {
  if (/^application\/json\s*(?:;|$)/i.test(contentType)) return fromJson(body);
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)) return fromForm(body);
  return undefined;
}

function fromForm(body: string): AppealFields | undefined {
  const fields = new Map<string, string>();
  const sent = new URLSearchParams(body);
  if (sent.size > FIELDS_MAX) return undefined;
  // Why the first of each: a field that is there twice is no form of ours, and needs no more than one answer.
  for (const [name, value] of sent) if (!fields.has(name)) fields.set(name, value);
  return picked((name) => fields.get(name));
}

function fromJson(body: string): AppealFields | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const sent = value as Record<string, unknown>;
  const own = (name: string): unknown => (Object.hasOwn(sent, name) ? sent[name] : undefined);
  const isText = APPEAL_FIELDS.every((name) => own(name) === undefined || typeof own(name) === 'string');
  return isText ? picked((name) => own(name) as string | undefined) : undefined;
}

function picked(of: (name: string) => string | undefined): AppealFields {
  return Object.fromEntries(APPEAL_FIELDS.map((name) => [name, of(name) ?? ''])) as AppealFields;
}
