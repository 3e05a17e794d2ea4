/**
 * Random changes, rollbacks and expiries against a model in plain JavaScript: after each step the entries, the export, the
 * deltas from every earlier version and the counts are what the model says.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openLedgerReader } from '../../../../src/control-plane/ledger/ledger-reader.ts';
import type { LedgerDelta, LedgerEntry } from '../../../../src/control-plane/ledger/ledger.ts';
import { listSettings, isDone, openTestLedger, PUSHER, type TestLedger } from '../../../support/ledger-harness.ts';

/** `scope name` -> what the entry says. */
type Model = Map<string, string>;

const name = fc.constantFrom('a.example', 'b.example', 'c.example', 'd.sub.example', 'com');
const scope = fc.constantFrom('exact', 'subtree');
const entry = fc.record({
  name,
  scope,
  note: fc.constantFrom('', 'one', 'two'),
  mode: fc.constantFrom('enforce', 'shadow'),
  lifeSeconds: fc.constantFrom(0, 0, 0, 20),
});
const removal = fc.record({ name, scope: fc.option(scope, { nil: undefined }) });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      add: fc.array(entry, { maxLength: 4 }),
      remove: fc.array(removal, { maxLength: 3 }),
      bulk: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ back: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ seconds: fc.constantFrom(5, 30), tidy: fc.boolean() }) },
);

/** What the guard holds of these names: only `com`, and only where it would block. */
function isHeld(wanted: { name: string; mode: string }, before: string | undefined, text: string): boolean {
  return wanted.name === 'com' && wanted.mode === 'enforce' && before !== text;
}

function textOf(entryNow: Pick<LedgerEntry, 'note' | 'mode' | 'expiresAtSeconds'>): string {
  return `${entryNow.note ?? ''}|${entryNow.mode}|${entryNow.expiresAtSeconds}`;
}

function modelOf(entries: Iterable<LedgerEntry>): Model {
  return new Map(Array.from(entries, (one) => [`${one.scope} ${one.name}`, textOf(one)]));
}

function sorted(model: Model): [string, string][] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Without what has expired. */
function alive(model: Model, nowSeconds: number): Model {
  return new Map([...model].filter(([, text]) => isAlive(text, nowSeconds)));
}

function isAlive(text: string, nowSeconds: number): boolean {
  const expires = Number(text.split('|')[2]);
  return expires === 0 || expires > nowSeconds;
}

function applied(model: Model, delta: LedgerDelta): Model {
  const next = new Map(model);
  for (const { name: changed, entries } of delta.names!) {
    for (const one of ['exact', 'subtree']) next.delete(`${one} ${changed}`);
    for (const one of entries) next.set(`${one.scope} ${one.name}`, textOf(one));
  }
  return next;
}

class Run {
  readonly ledger: TestLedger;
  model: Model = new Map();
  /** By version. */
  readonly past = new Map<number, Model>([[0, new Map()]]);
  version = 0;

  constructor(ledger: TestLedger) {
    this.ledger = ledger;
  }

  async change(
    add: readonly { name: string; scope: string; note: string; mode: string; lifeSeconds: number }[],
    remove: readonly { name: string; scope: string | undefined }[],
    bulk: boolean,
  ): Promise<void> {
    const { store, nowSeconds } = this.ledger;
    const proposed = add.map(({ lifeSeconds, note, ...rest }) => ({
      ...rest,
      ...(note === '' ? {} : { note }),
      ...(lifeSeconds === 0 ? {} : { expiresAt: new Date((nowSeconds + lifeSeconds) * 1000).toISOString() }),
    }));
    const removals = remove.map((one) =>
      one.scope === undefined ? { name: one.name } : { name: one.name, scope: one.scope },
    );
    const head = { list: 'desk', actor: PUSHER, reason: 'random', idempotencyKey: undefined };
    let outcome;
    if (bulk) {
      const begun = await store.begin(head);
      if (begun.kind !== 'begun') throw new Error(begun.kind);
      await store.stage(begun.id, proposed.slice(0, 1), removals);
      await store.stage(begun.id, proposed.slice(1), []);
      outcome = await store.commit(begun.id);
    } else {
      outcome = await store.change({ ...head, add: proposed, remove: removals });
    }
    const done = isDone(outcome);
    const next = new Map(this.model);
    const wanted = new Map(add.map((one) => [`${one.scope} ${one.name}`, one]));
    for (const one of remove) {
      for (const word of one.scope === undefined ? ['exact', 'subtree'] : [one.scope]) {
        const key = `${word} ${one.name}`;
        if (!wanted.has(key)) next.delete(key);
      }
    }
    const removedKeys = new Set(
      remove.flatMap((one) =>
        (one.scope === undefined ? ['exact', 'subtree'] : [one.scope]).map((word) => `${word} ${one.name}`),
      ),
    );
    for (const [key, one] of wanted) {
      const expires = one.lifeSeconds === 0 ? 0 : nowSeconds + one.lifeSeconds;
      const text = `${one.note}|${one.mode}|${expires}`;
      if (!isHeld(one, this.model.get(key), text)) next.set(key, text);
      else if (removedKeys.has(key)) next.delete(key);
    }
    this.take(next, done.version);
  }

  async rollback(back: number): Promise<void> {
    const toVersion = Math.max(0, this.version - back);
    const outcome = await this.ledger.store.rollback('desk', toVersion, 'random', PUSHER);
    if (toVersion === this.version) {
      expect(outcome).toMatchObject({ kind: 'refused', code: 'versionUnknown' });
      return;
    }
    const done = isDone(outcome);
    const then = alive(this.past.get(toVersion)!, this.ledger.nowSeconds);
    const next = new Map<string, string>();
    for (const [key, text] of then) {
      const isCom = key.endsWith(' com') && text.includes('|enforce|');
      if (!isCom || this.model.get(key) === text) next.set(key, text);
      // What would come back and is held leaves what is there now, unless that has to go anyway.
      else if (this.model.has(key) && this.past.get(toVersion)!.get(key) === this.model.get(key)) next.set(key, text);
    }
    this.take(next, done.version);
  }

  take(next: Model, version: number): void {
    this.model = next;
    this.version = version;
    this.past.set(version, new Map(next));
  }

  async check(): Promise<void> {
    const { store, folder, nowSeconds } = this.ledger;
    const now = sorted(alive(this.model, nowSeconds));
    expect(sorted(modelOf(await store.entries('desk', '', 1000)))).toEqual(now);
    const reader = openLedgerReader(folder, () => nowSeconds);
    const exported: LedgerEntry[] = [];
    const { version, entryCount } = reader.exportList('desk', (one) => exported.push(one));
    reader.close();
    expect([sorted(modelOf(exported)), version, entryCount]).toEqual([now, this.version, now.length]);
    for (const [from, model] of this.past) {
      const delta = await store.deltaSince('desk', from);
      expect(delta).toMatchObject({ fromVersion: from, toVersion: this.version });
      const reached = alive(applied(alive(model, nowSeconds), delta!), nowSeconds);
      expect(sorted(reached)).toEqual(now);
    }
  }
}

test('the ledger is what its changes say, from any version to any later one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const ledger = await openTestLedger({ lists: [listSettings()] });
      const run = new Run(ledger);
      for (const one of steps) {
        if ('back' in one) await run.rollback(one.back);
        else if ('seconds' in one) {
          ledger.nowSeconds += one.seconds;
          if (one.tidy) {
            await ledger.store.tidyAll();
            run.model = alive(run.model, ledger.nowSeconds);
          }
        } else await run.change(one.add, one.remove, one.bulk);
        await run.check();
      }
      expect((await ledger.store.versions('desk', 100)).map((row) => row.version)).toEqual(
        Array.from({ length: run.version }, (_, index) => run.version - index),
      );
      await ledger.store.close();
    }),
    { numRuns: 40 },
  );
});
