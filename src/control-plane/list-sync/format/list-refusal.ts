/**
 * How code deep inside a read ends it: thrown by byte sources and by parsers of whole documents, caught in
 * read-list-file.ts, and for the files of feeds in feed/feed-lines.ts, where it becomes a value.
 */
import type { RefusalCode } from './read-report.ts';

export class ListRefusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
