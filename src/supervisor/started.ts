/** What a start comes to: everything that is bound and loaded, or the reason why not. */
import type { SocketAddress } from '../config/config.ts';

export interface Started {
  readonly do53: readonly SocketAddress[];
  readonly dot: readonly SocketAddress[];
  readonly doh: readonly SocketAddress[];
  readonly admin: SocketAddress | undefined;
  readonly page: SocketAddress | undefined;
  readonly pageHttps: SocketAddress | undefined;
  readonly lists: readonly { readonly name: string; readonly entries: number; readonly failure: string | undefined }[];
  /** Addresses left out because the machine does not have them. */
  readonly skipped: readonly string[];
}

/** Errors: an address could not be bound at the start; the message is for people. */
export class StartError extends Error {}

export function stillborn(thread: string): StartError {
  return new StartError(`the thread ${thread} ended before it listened; the log says why`);
}
