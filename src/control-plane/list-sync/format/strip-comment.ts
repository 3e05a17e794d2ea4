/**
 * Comments as block lists write them, shared by the formats of one entry a line. A comment is a whole line, or begins
 * at white space followed by "#"; a "#" glued to a word may be a URL's fragment and is left to the name reader.
 */

/** The line without comment and outer white space; '' if nothing is left. */
export function stripComment(line: string, marks: string): string {
  const trimmed = trimmedLine(line);
  if (trimmed === '' || marks.includes(trimmed.charAt(0))) return '';
  if (trimmed.startsWith('//')) return '';
  if (!trimmed.includes('#')) return trimmed;
  const hash = trimmed.search(/\s#/);
  return hash < 0 ? trimmed : trimmed.slice(0, hash).trimEnd();
}

/** Cost: nothing where the line begins and ends with a visible ASCII character. */
function trimmedLine(line: string): string {
  const first = line.charCodeAt(0);
  const last = line.charCodeAt(line.length - 1);
  return first > 0x20 && first < 0x7f && last > 0x20 && last < 0x7f ? line : line.trim();
}
