/**
 * Keeps the compiled index on disk in step with the base in force, and gives it back to the next process. Between
 * list-sync, which knows when, and policy-snapshot.ts, which knows how. Whatever fails here costs a compile, no more.
 */
import { BufferPool } from './buffer-pool.ts';
import type { CompileRunner } from './compile-client.ts';
import { holdsKey } from './list-holds.ts';
import { readSnapshot } from './policy-snapshot.ts';
import type { BuiltBase, PolicyParts, PolicyPublisher } from './policy-publisher.ts';
import type { SyncLog } from './sync-log.ts';

export class SnapshotKeeper {
  readonly #compile: CompileRunner;
  readonly #log: SyncLog;
  #kept: BuiltBase | undefined;

  constructor(compile: CompileRunner, log: SyncLog) {
    this.#compile = compile;
    this.#log = log;
  }

  /** Before the tasks start: hands the snapshot to them and to the publisher. False: there is none for these inputs. */
  async resume(path: string, parts: PolicyParts, publisher: PolicyPublisher): Promise<boolean> {
    const { tasks, allowPaths, guard, fingerprint } = parts;
    const bounds = { lists: tasks.length, allowSources: allowPaths.length };
    const read = await readSnapshot(path, fingerprint, bounds, new BufferPool());
    if (read.kind === 'other') {
      this.#log.info({}, 'the compiled index on disk is of other lists or settings: the lists are compiled again');
    }
    if (read.kind === 'damaged') {
      this.#log.warn({}, `the compiled index ${path} is not used, the lists are compiled again: ${read.message}`);
    }
    if (read.kind !== 'snapshot') return false;
    for (const [index, task] of tasks.entries()) {
      const list = read.header.lists[index];
      if (list === null || list === undefined) continue;
      const { byGuard, samples, names = [] } = list;
      const held = read.held[index] ?? new Uint32Array(0);
      task.resume(list, { key: holdsKey(guard.key, task.approved), held, byGuard, samples, names });
    }
    const entriesInForce = read.header.lists.map((list) => list?.entriesInForce ?? 0);
    publisher.resume(read.base, parts, entriesInForce);
    this.#kept = publisher.builtBase;
    this.#log.info({ entries: read.base.entryCount }, 'the compiled index on disk is used');
    return true;
  }

  /** Behind the last good copies, which a snapshot refers to. Errors: none; a warning in the log. */
  async keep(path: string, publisher: PolicyPublisher): Promise<void> {
    const built = publisher.builtBase;
    if (built === undefined || built === this.#kept || !built.parts.tasks.every((task) => task.isStored)) return;
    this.#kept = built;
    // Why: a base retired meanwhile would be written over while it is read.
    const release = publisher.holdBase(built);
    try {
      await this.#write(path, built);
    } finally {
      release();
    }
  }

  async #write(path: string, built: BuiltBase): Promise<void> {
    const lists = built.lists.map(({ content, holds, entriesInForce }, index) => {
      if (content === undefined) return null;
      const { version, facts, segment, validators } = content;
      const { byGuard, samples, names, held } = holds;
      const name = built.parts.tasks[index]!.config.name;
      const counts = { entriesInForce, byGuard, samples, names, held: held.length };
      return { name, version, facts, segment, ...counts, ...(validators !== undefined && { validators }) };
    });
    const done = await this.#compile.run({
      kind: 'snapshot',
      path,
      base: built.base,
      fingerprint: built.parts.fingerprint,
      lists,
      held: built.lists.map(({ content, holds }) => (content === undefined ? new Uint32Array(0) : holds.held)),
    });
    const failure = done.kind === 'failed' ? done.message : done.result.failure;
    if (failure !== undefined) this.#log.warn({}, `${failure}; the next start compiles the lists again`);
  }
}
