/** The lines of an exported audit chain, one at a time, however long the export is. */
import { createReadStream } from 'node:fs';
import { AUDIT_DATA_BYTES_MAX } from '../control-plane/ledger/audit-chain.ts';

/** Beside its data a record is short; the data's quotes may be escaped. */
const LINE_CHARACTERS_MAX = 2 * AUDIT_DATA_BYTES_MAX;

/**
 * "-" is standard input. `onBytes` hears of each piece that is read.
 * Errors: throws what the file system throws, a TypeError for what is not UTF-8, an Error for a line beyond the limit.
 */
export async function* auditLines(file: string, onBytes: (bytes: number) => void = () => undefined) {
  const source: AsyncIterable<Uint8Array> = file === '-' ? process.stdin : createReadStream(file);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = '';
  for await (const chunk of source) {
    onBytes(chunk.length);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_CHARACTERS_MAX) throw new Error(`a line is longer than ${LINE_CHARACTERS_MAX} characters`);
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
