/**
 * The closed set of fraud categories: metric labels and the index store its position in this array. An unknown word in
 * a list counts as `other`; the word itself stays in the entry's provenance.
 */
export const CATEGORIES = [
  'fraud',
  'scam',
  'investment',
  'loan',
  'brushing',
  'impersonation',
  'phishing',
  'gambling',
  'malware',
  'other',
] as const;

export type Category = (typeof CATEGORIES)[number];

/** Position in CATEGORIES, or undefined for a word that is not one of them (case-insensitive). */
export function categoryIndex(word: string): number | undefined {
  const index = (CATEGORIES as readonly string[]).indexOf(word.toLowerCase());
  return index < 0 ? undefined : index;
}
