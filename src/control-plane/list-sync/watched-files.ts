/**
 * Local files beside the lists that a policy depends on: allow lists, and the names that the guard knows. Says when one
 * of them changed; reads none.
 */
import type { ListSource } from './sources/list-source.ts';
import { SOURCES } from './sources/sources.ts';

export class WatchedFiles {
  readonly #sources = new Map<string, ListSource>();
  readonly #onChange: (path: string) => void;
  #closed = false;

  constructor(onChange: (path: string) => void) {
    this.#onChange = onChange;
  }

  /** Watches exactly these paths from now on. */
  async watch(paths: readonly string[]): Promise<void> {
    for (const [path, source] of this.#sources) {
      if (paths.includes(path)) continue;
      source.close();
      this.#sources.delete(path);
    }
    for (const path of paths) {
      if (this.#closed) return;
      if (this.#sources.has(path)) continue;
      const source = SOURCES.file.create({ location: path, refreshSeconds: 0, bytesMax: 0, fetchTimeoutMs: 0 });
      this.#sources.set(path, source);
      // The read is what tells the source which state of the file is known.
      await source.read({ validators: undefined, force: true });
      if (this.#closed) return;
      source.watch(() => {
        void source.read({ validators: undefined, force: true }).then(() => this.#onChange(path));
      });
    }
  }

  close(): void {
    this.#closed = true;
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
  }
}
