/** JSON Schemas that several resources share. Each resource's own are in its file, beside what they describe. */
import { CATEGORIES } from '../../policy/category.ts';
import { RIGHTS } from '../ledger/ledger.ts';
import type { JsonSchema } from './api-route.ts';

/** An object whose properties are all there and no others. */
export function record(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

export function list(items: JsonSchema, maxItems?: number): JsonSchema {
  return { type: 'array', items, ...(maxItems === undefined ? {} : { maxItems }) };
}

/** Numbers by name, for names from an open set. */
export const counts: JsonSchema = { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } };

export const text: JsonSchema = { type: 'string' };
export const textOrNull: JsonSchema = { type: ['string', 'null'] };
export const flag: JsonSchema = { type: 'boolean' };
export const count: JsonSchema = { type: 'integer', minimum: 0 };
export const dateTime: JsonSchema = { type: 'string', format: 'date-time' };
export const dateTimeOrNull: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
export const scope: JsonSchema = { enum: ['exact', 'subtree'] };
export const category: JsonSchema = { enum: CATEGORIES };
export const right: JsonSchema = { enum: RIGHTS };

export const REASON_CHARACTERS_MAX = 1_000;
/** Why something is done: it goes into versions and the audit chain. */
export const reason: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: REASON_CHARACTERS_MAX,
  // Why a look ahead: a control character is no white space, so \S in the middle would let one through.
  pattern: '^(?=\\s*\\S)\\P{Cc}*$',
  description: 'why; kept with the version and in the audit chain',
};

/** Units: of the argument, seconds since 1970; 0: null. */
export function timeText(seconds: number): string | null {
  return seconds === 0 ? null : new Date(seconds * 1000).toISOString();
}
