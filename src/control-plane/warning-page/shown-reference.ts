/**
 * The reference of an entry as the warning page shows it: whoever pushes to a list wrote it, so it is one line of bounded
 * length without anything that is not seen or that turns the text around it. Escaping is html.ts's.
 */

/** Characters of it that are shown. */
export const REFERENCE_CHARACTERS_MAX = 200;

const LINE_BREAKS = /[\s\p{Zl}\p{Zp}]+/gu;
/** Controls, formats (bidi overrides and isolates, zero widths), lone surrogates, private use. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu;

/** Undefined: nothing is left to show. */
export function shownReference(text: string): string | undefined {
  // Why before the rest: so that a very long text costs no more than a long one. A character has two units at most.
  const bounded = text.slice(0, 4 * REFERENCE_CHARACTERS_MAX);
  const clean = bounded.replaceAll(LINE_BREAKS, ' ').replaceAll(UNSEEN, '').trim();
  const characters = Array.from(clean);
  if (characters.length === 0) return undefined;
  if (characters.length <= REFERENCE_CHARACTERS_MAX) return clean;
  return `${characters.slice(0, REFERENCE_CHARACTERS_MAX - 1).join('')}…`;
}
