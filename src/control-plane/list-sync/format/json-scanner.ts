/**
 * Reads JSON as its text arrives (RFC 8259) and tells a visitor of each value, without ever holding more than one
 * string of it. Refuses a document that is malformed, ends in the middle, nests too deep or has an endless string.
 */
import { ListRefusal } from './list-refusal.ts';
import { printable } from './read-report.ts';

const JSON_DEPTH_MAX = 64;
const JSON_STRING_CHARS_MAX = 64 * 1024;

export interface JsonVisitor {
  /** `key` is the member's name where the value sits in an object. */
  open(isArray: boolean, key: string | undefined): void;
  close(): void;
  /** A string's value, or the literal text of a number, true, false or null. */
  scalar(value: string, isString: boolean, key: string | undefined): void;
}

/** What may come next. */
type Expect = 'value' | 'valueOrClose' | 'key' | 'keyOrClose' | 'colon' | 'commaOrClose' | 'nothing';

export class JsonScanner {
  lineNumber = 1;
  readonly #visitor: JsonVisitor;
  /** true: array. */
  readonly #stack: boolean[] = [];
  #expect: Expect = 'value';
  #key: string | undefined;
  #text = '';
  #mode: 'between' | 'string' | 'literal' = 'between';
  #hasEscape = false;
  #isEscaped = false;

  constructor(visitor: JsonVisitor) {
    this.#visitor = visitor;
  }

  push(piece: string): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#mode === 'string') at = this.#string(piece, at);
      else if (this.#mode === 'literal') at = this.#literal(piece, at);
      else at = this.#between(piece, at);
    }
  }

  end(): void {
    if (this.#mode === 'literal') this.#endLiteral();
    if (this.#expect !== 'nothing') {
      throw new ListRefusal('truncated', `its JSON ends in the middle (line ${this.lineNumber})`);
    }
  }

  #between(piece: string, at: number): number {
    const char = piece[at] ?? '';
    switch (char) {
      case '\n':
        this.lineNumber++;
        break;
      case ' ':
      case '\t':
      case '\r':
      case '\ufeff':
        break;
      case '"':
        if (this.#expect === 'colon' || this.#expect === 'commaOrClose' || this.#expect === 'nothing') this.#fail(char);
        this.#mode = 'string';
        break;
      case '[':
      case '{':
        this.#open(char === '[');
        break;
      case ']':
      case '}':
        this.#close(char === ']');
        break;
      case ':':
        if (this.#expect !== 'colon') this.#fail(char);
        this.#expect = 'value';
        break;
      case ',':
        if (this.#expect !== 'commaOrClose') this.#fail(char);
        this.#expect = this.#stack.at(-1) === true ? 'value' : 'key';
        break;
      default:
        if (!this.#takesValue()) this.#fail(char);
        this.#mode = 'literal';
        return at;
    }
    return at + 1;
  }

  #string(piece: string, start: number): number {
    for (let at = start; at < piece.length; at++) {
      const char = piece.charCodeAt(at);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (char === 0x5c) this.#hasEscape = this.#isEscaped = true;
      else if (char === 0x22) {
        this.#take(piece.slice(start, at));
        this.#endString();
        return at + 1;
      } else if (char === 0x0a) this.#fail('a line end inside a string');
    }
    this.#take(piece.slice(start));
    return piece.length;
  }

  #literal(piece: string, start: number): number {
    let at = start;
    while (at < piece.length && /[\w+.-]/.test(piece[at] ?? '')) at++;
    if (at === start && this.#text === '') this.#fail(piece[at] ?? '');
    this.#take(piece.slice(start, at));
    if (at < piece.length) this.#endLiteral();
    return at;
  }

  #take(text: string): void {
    this.#text += text;
    if (this.#text.length > JSON_STRING_CHARS_MAX) {
      throw new ListRefusal(
        'corrupt',
        `a JSON value is over ${JSON_STRING_CHARS_MAX} characters (line ${this.lineNumber})`,
      );
    }
  }

  #endString(): void {
    const value = this.#hasEscape ? this.#unescaped() : this.#text;
    this.#text = '';
    this.#hasEscape = false;
    this.#mode = 'between';
    if (this.#expect === 'key' || this.#expect === 'keyOrClose') {
      this.#key = value;
      this.#expect = 'colon';
      return;
    }
    this.#visitor.scalar(value, true, this.#key);
    this.#afterValue();
  }

  #unescaped(): string {
    try {
      return String(JSON.parse(`"${this.#text}"`));
    } catch {
      return this.#fail(`"${this.#text}"`);
    }
  }

  #endLiteral(): void {
    const text = this.#text;
    this.#text = '';
    this.#mode = 'between';
    if (!/^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(text)) this.#fail(text);
    this.#visitor.scalar(text, false, this.#key);
    this.#afterValue();
  }

  #takesValue(): boolean {
    return this.#expect === 'value' || this.#expect === 'valueOrClose';
  }

  #open(isArray: boolean): void {
    if (!this.#takesValue()) this.#fail(isArray ? '[' : '{');
    if (this.#stack.length >= JSON_DEPTH_MAX) {
      throw new ListRefusal('corrupt', `its JSON nests deeper than ${JSON_DEPTH_MAX} (line ${this.lineNumber})`);
    }
    this.#visitor.open(isArray, this.#key);
    this.#stack.push(isArray);
    this.#key = undefined;
    this.#expect = isArray ? 'valueOrClose' : 'keyOrClose';
  }

  #close(isArray: boolean): void {
    const emptyForm = isArray ? 'valueOrClose' : 'keyOrClose';
    if (this.#stack.at(-1) !== isArray || (this.#expect !== 'commaOrClose' && this.#expect !== emptyForm)) {
      this.#fail(isArray ? ']' : '}');
    }
    this.#stack.pop();
    this.#visitor.close();
    this.#afterValue();
  }

  #afterValue(): void {
    this.#key = undefined;
    this.#expect = this.#stack.length === 0 ? 'nothing' : 'commaOrClose';
  }

  #fail(found: string): never {
    throw new ListRefusal('corrupt', `its JSON is malformed at line ${this.lineNumber}, near ${printable(found)}`);
  }
}
