/**
 * Cuts decoded text into lines (LF or CRLF), wherever the pieces of it end, and hands each to a parser with its number. A line over the limit is reported once and dropped, so that a file of one endless line costs
 * no more memory than a short one.
 */
import type { EntrySink, LineParser } from './list-format.ts';

export class LineSplitter {
  lineNumber = 0;
  readonly #parser: LineParser;
  readonly #sink: EntrySink;
  readonly #lineCharsMax: number;
  #carry = '';
  #isDropping = false;

  constructor(parser: LineParser, sink: EntrySink, lineCharsMax: number) {
    this.#parser = parser;
    this.#sink = sink;
    this.#lineCharsMax = lineCharsMax;
  }

  push(text: string): void {
    let start = 0;
    for (;;) {
      const end = text.indexOf('\n', start);
      if (end < 0) break;
      const piece = text.slice(start, end);
      if (this.#isDropping) this.#isDropping = false;
      else if (this.#carry === '') this.#line(piece);
      else {
        const line = this.#carry + piece;
        this.#carry = '';
        this.#line(line);
      }
      start = end + 1;
    }
    if (this.#isDropping) return;
    this.#carry += text.slice(start);
    if (this.#carry.length > this.#lineCharsMax) {
      this.#line(this.#carry);
      this.#carry = '';
      this.#isDropping = true;
    }
  }

  end(): void {
    if (this.#carry !== '') this.#line(this.#carry);
    this.#carry = '';
  }

  #line(line: string): void {
    this.lineNumber++;
    if (line.length > this.#lineCharsMax) {
      this.#sink.skipped('lineTooLong', this.lineNumber, line.slice(0, 200));
      return;
    }
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return;
    if (text.includes('\0')) this.#sink.skipped('binary', this.lineNumber, text);
    else this.#parser.line(text, this.lineNumber);
  }
}
