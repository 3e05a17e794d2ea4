/**
 * Cuts a stream of octets into the lines of NDJSON and parses each. Refuses what is not UTF-8, not JSON, or too long; a
 * last line without its end counts, so the caller has to know whether the stream ended well.
 */

/** Octets of one line. */
export const LINE_BYTES_MAX = 16 * 1024;
const LF = 0x0a;

export type ParsedLine =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'bad'; readonly lineNumber: number; readonly message: string };

export class NdjsonLines {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #rest: Uint8Array = new Uint8Array(0);
  #lineNumber = 0;

  /** Of the last line given out. */
  get lineNumber(): number {
    return this.#lineNumber;
  }

  /** The lines that are whole now. */
  *take(chunk: Uint8Array): Generator<ParsedLine> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = bytes.indexOf(LF);
      if (end < 0) break;
      const line = this.#line(bytes.subarray(0, end));
      if (line !== undefined) yield line;
      bytes = bytes.subarray(end + 1);
    }
    // Why a copy: the chunk's memory may be large, and is used again.
    this.#rest = Uint8Array.from(bytes);
    if (this.#rest.length > LINE_BYTES_MAX) yield this.#tooLong(this.#lineNumber + 1);
  }

  /** What is left when the stream has ended. */
  *end(): Generator<ParsedLine> {
    const line = this.#line(this.#rest);
    this.#rest = new Uint8Array(0);
    if (line !== undefined) yield line;
  }

  /** Undefined for an empty line. */
  #line(bytes: Uint8Array): ParsedLine | undefined {
    const lineNumber = ++this.#lineNumber;
    if (bytes.length > LINE_BYTES_MAX) return this.#tooLong(lineNumber);
    let textOfLine: string;
    try {
      textOfLine = this.#decoder.decode(bytes).trim();
    } catch {
      return { kind: 'bad', lineNumber, message: 'is not UTF-8' };
    }
    if (textOfLine === '') return undefined;
    try {
      return { kind: 'value', value: JSON.parse(textOfLine) as unknown };
    } catch {
      return { kind: 'bad', lineNumber, message: 'is not JSON' };
    }
  }

  #tooLong(lineNumber: number): ParsedLine {
    return { kind: 'bad', lineNumber, message: `is longer than ${LINE_BYTES_MAX} octets` };
  }
}
