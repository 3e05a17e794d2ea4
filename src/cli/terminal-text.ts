/** Text that others wrote, as a terminal may have it; and tables for people. */

/** Control and format characters become visible: no text moves the cursor or turns the direction of writing. */
export function terminalText(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** Columns below their headings, two spaces apart, each line with its end. The last column is as long as it is. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows.map((row) => row.map(terminalText))];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** A field of an answer: text and numbers; anything else is nothing. Times without the thousandths that are always 0. */
export function fieldText(answer: Readonly<Record<string, unknown>>, field: string): string {
  const value = answer[field];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.replace(/\.000Z$/, 'Z') : '';
}

/** Units: of the argument, seconds since 1970. To the second, UTC. */
export function timeOfSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
