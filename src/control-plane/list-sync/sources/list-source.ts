/**
 * The one interface of every place a list comes from. A source says when there may be something new and reads it when
 * asked; it neither parses nor decides. Every outcome is a value: nothing here throws. Adding one: a file here that
 * exports a SourceKind, and one line in sources.ts; the contract suite in test/unit runs over every row of that table.
 */
import type { AccessSettings } from '../../../config/source-access.ts';
import type { SyncFailure } from '../list-status.ts';

/** What proves to a source that we have its current content. */
export interface Validators {
  /** Of a file (file-identity.ts). */
  readonly identity?: string;
  readonly etag?: string;
  readonly lastModified?: string;
}

export type SourceInput =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A list of the ledger in this state directory. */
  | { readonly kind: 'ledger'; readonly stateDirectory: string; readonly list: string };

export type ReadOutcome =
  | {
      readonly kind: 'content';
      readonly input: SourceInput;
      readonly validators: Validators | undefined;
      /** Hosts on the way that were redirected to. */
      readonly redirectHosts?: readonly string[];
      /** False when the content changed while it was parsed: what was parsed may be half of it. */
      readonly isStillSame: () => Promise<boolean>;
    }
  /** `confirmed`: the source says that what is in force is current; else only that this was read before. */
  | { readonly kind: 'unchanged'; readonly confirmed: boolean; readonly redirectHosts?: readonly string[] }
  | { readonly kind: 'failed'; readonly failure: SyncFailure };

export interface ReadRequest {
  /** Of what is in force; undefined asks for the content whatever it is. */
  readonly validators: Validators | undefined;
  /** Read again though nothing seems to have changed. */
  readonly force: boolean;
}

export interface ListSource {
  /** Begins to call `onChange` whenever read() may find something new. Call once. */
  watch(onChange: () => void): void;
  read(request: ReadRequest): Promise<ReadOutcome>;
  /** Told after every attempt, so that a source that polls can wait longer after failures. */
  settle(outcome: 'good' | 'failed'): void;
  close(): void;
}

export interface SourceSettings {
  /** Absolute path or URL. */
  readonly location: string;
  readonly refreshSeconds: number;
  readonly bytesMax: number;
  readonly fetchTimeoutMs: number;
  /** What it is fetched with; undefined: nothing of the kind. */
  readonly access?: AccessSettings;
}

export interface SourceKind {
  readonly kind: string;
  readonly description: string;
  readonly create: (settings: SourceSettings) => ListSource;
}
