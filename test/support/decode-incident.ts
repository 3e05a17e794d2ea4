/** Reads an incident id, to see that nothing of what it stands for is lost. */

/** Crockford's base32. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export interface IncidentParts {
  /** 12 bits. */
  readonly listTag: number;
  /** The low 16 bits of the list's version. */
  readonly version: number;
  readonly entryHash: number;
}

/** The parts of an id as a person may type it: any letter case, O for 0, I and L for 1, hyphens optional. */
export function decodeIncident(text: string): IncidentParts | undefined {
  const characters = text.toUpperCase().replaceAll(/[-\s]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const first = readGroup(characters, 0);
  const second = readGroup(characters, 4);
  const third = readGroup(characters, 8);
  if (characters.length !== 12 || first < 0 || second < 0 || third < 0) return undefined;
  return {
    listTag: first >>> 8,
    version: ((first & 0xff) << 8) | (second >>> 12),
    entryHash: (((second & 0xfff) << 20) | third) >>> 0,
  };
}

/** The 20 bits of four characters, or -1. */
function readGroup(characters: string, start: number): number {
  let value = 0;
  for (let i = start; i < start + 4; i++) {
    const digit = ALPHABET.indexOf(characters[i] ?? '?');
    if (digit < 0) return -1;
    value = (value << 5) | digit;
  }
  return value;
}
