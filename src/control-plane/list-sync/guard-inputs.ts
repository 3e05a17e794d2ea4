/**
 * What the guard is made of now: the operator's files, the hosts that lists come from, and where their servers redirect to.
 * list-sync.ts says when a file or the configuration has changed; each change has a key of its own, by which whoever has
 * made a guard knows that it is of the past.
 */
import type { Config } from '../../config/config.ts';
import { guardFilesOf, type GuardFiles } from './guard-files.ts';
import type { ListStore } from './list-store.ts';
import { RedirectHosts } from './redirect-hosts.ts';
import type { SyncLog } from './sync-log.ts';

export interface GuardInputsOptions {
  readonly config: () => Config;
  readonly store: () => ListStore;
  readonly onFiles: ((files: GuardFiles) => void) | undefined;
  /** Servers redirect elsewhere: what is in force has to be judged again. */
  readonly onRedirects: () => void;
  readonly log: SyncLog;
}

export class GuardInputs {
  readonly redirects: RedirectHosts;
  readonly #options: GuardInputsOptions;
  #key = 0;

  constructor(options: GuardInputsOptions) {
    this.#options = options;
    const { config, store, onRedirects, log } = options;
    const onChange = (): void => {
      this.changed();
      onRedirects();
    };
    this.redirects = new RedirectHosts({ store, lists: () => config().lists, onChange, log });
  }

  files(): GuardFiles {
    return guardFilesOf(this.#options.config(), this.#key, this.redirects.current());
  }

  /** A file or the configuration is another one. */
  changed(): void {
    this.#key += 1;
    this.#options.onFiles?.(this.files());
  }
}
