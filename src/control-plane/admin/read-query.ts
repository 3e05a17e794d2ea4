/** Reads the query component of a URL by a route's parameters: strictly, each at most once, with its limits. */
import type { QueryParameter, QueryValues } from './api-route.ts';

export type ReadQuery =
  | { readonly kind: 'query'; readonly values: QueryValues }
  | { readonly kind: 'bad'; readonly parameter: string; readonly message: string };

/** @param raw what fastify has parsed: a string, or several of one name, by name */
export function readQuery(
  parameters: Readonly<Record<string, QueryParameter>>,
  raw: Readonly<Record<string, unknown>>,
): ReadQuery {
  const values: Record<string, string | number | undefined> = {};
  for (const name of Object.keys(raw)) {
    if (!Object.hasOwn(parameters, name)) return bad(name, 'there is no such parameter');
  }
  for (const [name, parameter] of Object.entries(parameters)) {
    const text = raw[name];
    if (text === undefined) {
      values[name] = parameter.default;
      continue;
    }
    if (typeof text !== 'string') return bad(name, 'is given more than once');
    const value = parameter.type === 'integer' ? readInteger(parameter, text) : readString(parameter, text);
    if (value.kind === 'bad') return bad(name, value.message);
    values[name] = value.value;
  }
  return { kind: 'query', values };
}

type Value = { readonly kind: 'value'; readonly value: string | number } | { readonly kind: 'bad'; message: string };

function readInteger({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: QueryParameter, text: string): Value {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= minimum && value <= maximum) return { kind: 'value', value };
  return { kind: 'bad', message: `is not a whole number from ${minimum} to ${maximum}` };
}

function readString({ maxLength = 1024, enum: words }: QueryParameter, text: string): Value {
  if (words !== undefined && !words.includes(text)) return { kind: 'bad', message: `is none of ${words.join(', ')}` };
  if (text.length > maxLength) return { kind: 'bad', message: `is longer than ${maxLength} characters` };
  if (/\p{Cc}/u.test(text)) return { kind: 'bad', message: 'has control characters' };
  return { kind: 'value', value: text };
}

function bad(parameter: string, message: string): ReadQuery {
  return { kind: 'bad', parameter, message };
}
