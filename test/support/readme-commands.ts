/**
 * The command blocks of the README: each `sh` block with the comment before it that says how it is run, and the text
 * that its output must show, where one follows.
 *
 *   <!-- command: run -->      test/e2e/readme.test.ts runs it and wants exit code 0
 *   <!-- command: serve -->    the same test starts it and keeps it running for the blocks that follow
 *   <!-- command: install -->  .ci/run has done it before any test runs
 *   <!-- command: test -->     is what is running
 *   <!-- command: not run, because ... -->
 */

export interface CommandBlock {
  /** What the comment says; empty where there is none. */
  readonly kind: string;
  readonly script: string;
  /** Line of the README at which the block begins. */
  readonly line: number;
  /** Lines that the output must contain, spaces folded. */
  readonly output: readonly string[];
}

/** Every `sh` block, in the order of the text. */
export function commandBlocks(markdown: string): CommandBlock[] {
  const pattern =
    /(?:<!-- command: ([^]*?) -->\s*)?^```sh\n([^]*?)^```$(?:\s*<!-- output -->\s*^```text\n([^]*?)^```$)?/gm;
  return [...markdown.matchAll(pattern)].map((match) => ({
    kind: (match[1] ?? '').trim(),
    script: match[2] ?? '',
    line: markdown.slice(0, match.index).split('\n').length,
    output: (match[3] ?? '')
      .split('\n')
      .map(foldSpaces)
      .filter((line) => line !== ''),
  }));
}

/** Text with each run of spaces and tabs as one space, for comparing output that is set in columns. */
export function foldSpaces(text: string): string {
  return text.replaceAll(/[ \t]+/g, ' ').trim();
}
