/**
 * A change as it is sent, in both forms, and what it is answered with. The schemas are strict about the form (a property
 * that is not known is a mistake in a program); what an entry says is judged entry by entry by the ledger.
 */
import type { ProposedEntry, ProposedRemoval } from '../ledger/ledger.ts';
import { count, flag, list, reason, record, scope, text } from './schemas.ts';

/** Entries and removals of one JSON body; more of them go by NDJSON. */
export const JSON_ENTRIES_MAX = 5_000;
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;
/** A longer one is no name; what is wrong with a shorter one is said entry by entry. */
const NAME_CHARACTERS_MAX = 1_024;
const TEXT_CHARACTERS_MAX = 4_096;
const WORD_CHARACTERS_MAX = 64;

const word = { type: 'string', maxLength: WORD_CHARACTERS_MAX };
const name = { type: 'string', maxLength: NAME_CHARACTERS_MAX };
const freeText = { type: 'string', maxLength: TEXT_CHARACTERS_MAX };

const entrySchema = record(
  {
    name,
    scope: { ...word, description: 'exact, or subtree (the default): the name and all below it' },
    category: word,
    reference: { ...freeText, description: 'case number' },
    expiresAt: { ...word, description: 'RFC 3339; ends the entry by itself' },
    note: freeText,
    mode: { ...word, description: 'enforce (the default) or shadow' },
  },
  ['scope', 'category', 'reference', 'expiresAt', 'note', 'mode'],
);
const removalSchema = { anyOf: [name, record({ name, scope: word }, ['scope'])] };
const idempotencyKey = { type: 'string', minLength: 1, maxLength: IDEMPOTENCY_KEY_CHARACTERS_MAX, pattern: '^[!-~]*$' };

export const changeBodySchema = record(
  { reason, add: list(entrySchema, JSON_ENTRIES_MAX), remove: list(removalSchema, JSON_ENTRIES_MAX) },
  ['add', 'remove'],
);

export const changeLineSchema = {
  description: 'The first line has the reason, and may have the idempotency key; each further line one entry.',
  anyOf: [
    record({ reason, idempotencyKey }, ['idempotencyKey']),
    record({ add: entrySchema }),
    record({ remove: removalSchema }),
  ],
};

/** What a change, or a rollback, is answered with. */
export const changeAnswerSchema = record({
  version: { ...count, description: 'of the list, with this change in it' },
  accepted: count,
  removed: count,
  unchanged: { ...count, description: 'entries that said what the list said already' },
  rejected: list(record({ name: text, code: text, detail: text })),
  rejectedTotal: count,
  held: list(record({ name: text, scope, code: text, holdId: text, detail: text })),
  heldTotal: count,
  rollout: {
    anyOf: [record({ id: text, entries: count, percent: { type: 'number' } }), { type: 'null' }],
    description:
      'of entries that hold for so many per cent of the client networks only, until it goes on; null: there are none',
  },
  replayed: { ...flag, description: 'the answer to an earlier request with the same Idempotency-Key' },
});

export interface ChangeBody {
  readonly reason: string;
  readonly add?: readonly ProposedEntry[];
  readonly remove?: readonly (string | ProposedRemoval)[];
}

export function isIdempotencyKey(key: unknown): key is string {
  return typeof key === 'string' && key.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX && /^[!-~]+$/.test(key);
}

export function removalOf(removal: string | ProposedRemoval): ProposedRemoval {
  return typeof removal === 'string' ? { name: removal } : removal;
}
