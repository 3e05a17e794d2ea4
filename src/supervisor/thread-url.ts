/** Where the entry of a thread is, by its path from this folder. */
import { extname } from 'node:path';

/** Threads run as TypeScript in a clone and as JavaScript in the package. */
export function threadUrl(path: string): URL {
  return new URL(path + extname(import.meta.url), import.meta.url);
}
