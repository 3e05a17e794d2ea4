/** The malformed messages of test/fixtures/malformed, with what each is to get and why. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from './source-files.ts';
import { hex } from './wire.ts';

const FOLDER = join(PROJECT_ROOT, 'test/fixtures/malformed');

const OUTCOMES = ['silence', 'NOERROR', 'FORMERR', 'NOTIMP', 'REFUSED', 'BADVERS'] as const;

const tableShape = z.strictObject({
  rules: z.record(z.string(), z.strictObject({ source: z.string(), sentence: z.string() })),
  messages: z.record(
    z.string(),
    z.strictObject({
      expect: z.enum(OUTCOMES),
      rule: z.string(),
      /** What it is, where its name says something else. */
      is: z.string().optional(),
      hex: z.string().optional(),
    }),
  ),
});

export interface MalformedMessage {
  readonly name: string;
  readonly octets: Uint8Array;
  /** From other people's collection; the rest are our own. */
  readonly isOthers: boolean;
  readonly expect: (typeof OUTCOMES)[number];
  /** RFC and section. */
  readonly source: string;
}

/** Errors: throws where table and files do not fit. */
export function malformedMessages(): MalformedMessage[] {
  const table = tableShape.parse(JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')));
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.bin'));
  const unlisted = files.filter((file) => table.messages[file.replace('.bin', '')] === undefined);
  if (unlisted.length > 0) throw new Error(`not in the table: ${unlisted.join(' ')}`);
  return Object.entries(table.messages).map(([name, { expect, rule, hex: digits }]) => {
    const source = table.rules[rule]?.source;
    if (source === undefined) throw new Error(`${name}: no rule ${rule}`);
    const octets = digits === undefined ? Uint8Array.from(readFileSync(join(FOLDER, `${name}.bin`))) : hex(digits);
    return { name, octets, isOthers: digits === undefined, expect, source };
  });
}
