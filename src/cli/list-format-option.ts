/** The names of list formats on the command line: what --help says of them, and what happens to a word that is none. */
import { InvalidArgumentError } from 'commander';
import { FORMATS, formatNamed } from '../control-plane/list-sync/format/formats.ts';

/** Errors: InvalidArgumentError (usage) for a name that is none. */
export function parseFormatName(text: string): string {
  if (text === 'auto' || formatNamed(text) !== undefined) return text;
  throw new InvalidArgumentError(`Formats are ${FORMATS.map(({ name }) => name).join(', ')}.`);
}

export function parseTargetFormat(text: string): string {
  return text === 'auto' ? parseFormatName('') : parseFormatName(text);
}

/** A paragraph for --help. */
export function formatsHelp(): string {
  return `\nFormats:\n${FORMATS.map(({ name, description }) => `  ${name.padEnd(10)}${description}`).join('\n')}\n`;
}
