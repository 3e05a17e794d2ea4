/** Reads an incident id (incident.ts) as a person types it: what a subscriber or an owner of a domain was shown. */
import { INCIDENT_ALPHABET } from './incident.ts';

const CHARACTERS = 12;
const GROUP_CHARACTERS = 4;

export interface IncidentParts {
  /** 12 bits: listTag of the list's name. */
  readonly listTag: number;
  /** The low 16 bits of the list's version. */
  readonly versionLow: number;
  /** entryHash32 of the entry's name. */
  readonly entryHash: number;
}

/** Undefined for what is no id. Any letter case, O for 0, I and L for 1, hyphens and spaces optional. */
export function readIncident(text: string): IncidentParts | undefined {
  const characters = text.toUpperCase().replaceAll(/[-\s]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  if (characters.length !== CHARACTERS) return undefined;
  const groups = [0, 1, 2].map((group) => readGroup(characters, group * GROUP_CHARACTERS));
  const [first = -1, second = -1, third = -1] = groups;
  if (first < 0 || second < 0 || third < 0) return undefined;
  return {
    listTag: first >>> 8,
    versionLow: ((first & 0xff) << 8) | (second >>> 12),
    entryHash: (((second & 0xfff) << 20) | third) >>> 0,
  };
}

/**
 * Whether a text that may be a domain name as well is an incident id. Why with a hyphen, a space or a digit: there are
 * top-level domains of twelve letters.
 */
export function isTypedIncident(text: string): boolean {
  return TYPED.test(text) && readIncident(text) !== undefined;
}

const TYPED = /^(?=.*[-\s\d])[a-z\d]{4}[-\s]?[a-z\d]{4}[-\s]?[a-z\d]{4}$/i;

/** The 20 bits of four characters, or -1. */
function readGroup(characters: string, start: number): number {
  let value = 0;
  for (const character of characters.slice(start, start + GROUP_CHARACTERS)) {
    const digit = INCIDENT_ALPHABET.indexOf(character);
    if (digit < 0) return -1;
    value = (value << 5) | digit;
  }
  return value;
}
