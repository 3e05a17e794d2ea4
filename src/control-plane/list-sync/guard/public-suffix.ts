/**
 * Holds the root, top-level domains (any name of one label, known or not) and public suffixes, ICANN's and private ones
 * alike: below a public suffix live people who have nothing to do with each other. Source: the Public Suffix List, as
 * it comes with tldts.
 */
import { getPublicSuffix, parse } from 'tldts';
import type { GuardHold } from './guard.ts';

/** Names are normalised and no addresses when they come here: looking for those again took a tenth of the time. */
const OPTIONS = {
  allowPrivateDomains: true,
  detectIp: false,
  extractHostname: false,
  validateHostname: false,
  mixedInputs: false,
};

/** Cost: one walk of the suffix trie; nothing is allocated that outlives the call. */
export function publicSuffixHold(name: string): GuardHold | undefined {
  if (name === '.') return { guard: 'root', detail: 'it is the root of the DNS: it would block every name' };
  if (!name.includes('.')) return { guard: 'tld', detail: `${name} is a top-level domain` };
  if (getPublicSuffix(name, OPTIONS) !== name) return undefined;
  const owner =
    parse(name, OPTIONS).isPrivate === true ? 'unrelated customers share it' : 'anyone may register names below it';
  return { guard: 'publicSuffix', detail: `${name} is a public suffix: ${owner}; list the names below it` };
}

/** Is the name a public suffix, ICANN's or a private one? */
export function isPublicSuffix(name: string): boolean {
  return name.includes('.') && getPublicSuffix(name, OPTIONS) === name;
}
