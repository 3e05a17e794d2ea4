/** The kinds of value that many keys of the configuration share, for schema.ts and the schemas of its larger parts. */
import { z } from 'zod';
import type { Parsed } from './address.ts';

export const MIB = 1024 * 1024;
export const DAY_SECONDS = 86_400;
export const WEEK_SECONDS = 7 * DAY_SECONDS;

export function whole(min: number, max: number) {
  return z.int().min(min).max(max);
}

/** Text that `parse` makes a value of; its message is the problem's. */
export function parsed<T>(parse: (text: string) => Parsed<T>) {
  return z.string().transform((text, context) => {
    const result = parse(text);
    if (result.kind === 'ok') return result.value;
    context.issues.push({ code: 'custom', message: result.message, input: text });
    return z.NEVER;
  });
}

/** Text without control characters. */
export function printable(charactersMax: number) {
  return z
    .string()
    .max(charactersMax)
    .regex(/^\P{Cc}*$/u, 'control characters are not allowed');
}
