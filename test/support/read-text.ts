/** Reads text or bytes as a list file, for tests: the outcome, and everything that the sink was told. */
import type { ListEntry, SkipReason } from '../../src/control-plane/list-sync/format/list-format.ts';
import { readListFile, type ReadListOptions } from '../../src/control-plane/list-sync/format/read-list-file.ts';
import type { ReadOutcome } from '../../src/control-plane/list-sync/format/read-report.ts';

export interface TextRead {
  readonly outcome: ReadOutcome;
  readonly entries: readonly ListEntry[];
  /** "reason:line" of each skipped line. */
  readonly skipped: readonly string[];
  readonly reasons: readonly SkipReason[];
  readonly warnings: readonly string[];
}

export async function readText(
  content: string | Uint8Array | readonly Uint8Array[],
  options: Partial<ReadListOptions> = {},
): Promise<TextRead> {
  const entries: ListEntry[] = [];
  const skipped: string[] = [];
  const reasons: SkipReason[] = [];
  const warnings: string[] = [];
  const pieces =
    typeof content === 'string' ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content;
  const outcome = await readListFile(
    stream(pieces),
    { format: 'auto', ...options },
    {
      entry: (entry) => entries.push(entry),
      skipped: (reason, lineNumber) => {
        skipped.push(`${reason}:${lineNumber}`);
        reasons.push(reason);
      },
      warning: (text) => warnings.push(text),
    },
  );
  return { outcome, entries, skipped, reasons, warnings };
}

/** "@" before an exception, "=" before an exact name. */
export function brief(entries: readonly ListEntry[]): string[] {
  return entries.map(
    ({ name, scope, kind }) => `${kind === 'exception' ? '@' : ''}${scope === 'exact' ? '=' : ''}${name}`,
  );
}

async function* stream(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
