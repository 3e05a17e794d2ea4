/**
 * How much of a file looks like a format, for its `detect`: the share of lines that say something and match.
 */

/**
 * Between 0 and 1; `whenEmpty` where no line says anything. `textOf` is what a line says, '' for nothing.
 */
export function matchingShare(
  lines: readonly string[],
  textOf: (line: string) => string,
  isMatch: (text: string) => boolean,
  whenEmpty = 0,
): number {
  const texts = lines.map(textOf).filter((text) => text !== '');
  return texts.length === 0 ? whenEmpty : texts.filter(isMatch).length / texts.length;
}
