/**
 * The allow files as segments, one for each path of the configuration. A file that cannot be used leaves what it said
 * before in force: a name must not become blocked because a local file is being edited.
 */
import type { CompileRunner } from './compile-client.ts';
import type { SyncLog } from './sync-log.ts';

export class AllowFiles {
  /** Grows whenever files were read again: what they say may have changed. */
  revision = 0;
  readonly #segments = new Map<string, Uint8Array>();
  readonly #tried = new Set<string>();
  readonly #compile: CompileRunner;
  readonly #log: SyncLog;

  constructor(compile: CompileRunner, log: SyncLog) {
    this.#compile = compile;
    this.#log = log;
  }

  /** Reads files again. */
  async load(paths: readonly string[]): Promise<void> {
    if (paths.length > 0) this.revision += 1;
    await this.#read(paths);
  }

  /** In the order of `paths`; reads those that were not read before. */
  async segments(paths: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    await this.#read(paths.filter((path) => !this.#tried.has(path)));
    return paths.map((path) => this.#segments.get(path));
  }

  async #read(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.#tried.add(path);
      const done = await this.#compile.run({ kind: 'allow', path });
      if (done.kind === 'done' && done.result.kind === 'parsed') {
        this.#segments.set(path, done.result.payload);
        continue;
      }
      const message = done.kind === 'failed' ? done.message : done.result.kind === 'refused' ? done.result.message : '';
      const kept = this.#segments.has(path) ? 'what it said before stays in force' : 'nothing of it is in force';
      this.#log.warn({ allow: path }, `${message}; ${kept}`);
    }
  }
}
