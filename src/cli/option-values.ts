/** What options of the command line may say, and the errors of usage for the rest (commander's InvalidArgumentError). */
import { InvalidArgumentError } from 'commander';

/** A whole number in digits. */
export function wholeNumberIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  };
}

/** For options that may be repeated, or name several with commas between. */
export function collectWords(text: string, before: readonly string[] = []): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new InvalidArgumentError('Names, with commas between them.');
  return [...before, ...words];
}

export function listNameOf(text: string): string {
  if (/^[a-z0-9-]{1,32}$/.test(text)) return text;
  throw new InvalidArgumentError('A name of a list is 1 to 32 of a-z, 0-9 and -.');
}

export const REASON_CHARACTERS_MAX = 1_000;

/** Why something is done; it is kept with the version and in the audit chain. */
export function reasonOf(text: string): string {
  if (text.trim() === '' || text.length > REASON_CHARACTERS_MAX || /\p{Cc}/u.test(text)) {
    throw new InvalidArgumentError(`A reason is one line of 1 to ${REASON_CHARACTERS_MAX} characters.`);
  }
  return text;
}
