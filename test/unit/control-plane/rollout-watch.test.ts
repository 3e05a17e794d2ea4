import { afterEach, describe, expect, test, vi } from 'vitest';
import { rolloutKey, ROLLOUT_KEY_FILE } from '../../../src/control-plane/rollout-key.ts';
import { RolloutWatch, type RolloutWatchOptions, type StageOfList } from '../../../src/control-plane/rollout-watch.ts';
import type { LedgerDelta } from '../../../src/control-plane/ledger/ledger.ts';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askedBy } from '../../support/asked-by.ts';
import { isDone, listSettings, openTestLedger, type TestLedger } from '../../support/ledger-harness.ts';
import { sentAppeal } from '../../support/sent-appeal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const STAGES = [
  { percent: 1, seconds: 60 },
  { percent: 12.5, seconds: 0 },
];

const watches: RolloutWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.close();
  vi.useRealTimers();
});

interface Watched {
  readonly ledger: TestLedger;
  readonly watch: RolloutWatch;
  readonly told: (readonly StageOfList[])[];
  readonly applied: LedgerDelta[];
  readonly logged: string[];
}

async function watched(own: Partial<RolloutWatchOptions> = {}): Promise<Watched> {
  const ledger = await openTestLedger({
    lists: [listSettings({ rolloutStages: STAGES })],
    settings: { appeals: { days: { desk: 15 }, expireDays: 30, retentionDays: 90, perClientPerDayMax: 100 } },
  });
  const told: (readonly StageOfList[])[] = [];
  const applied: LedgerDelta[] = [];
  const logged: string[] = [];
  const log = (_fields: unknown, text: string): void => void logged.push(text);
  const watch = new RolloutWatch({
    ledger: async () => ledger.store,
    apply: async (delta) => void applied.push(delta),
    setStages: async (stages) => void told.push(stages),
    appealsMax: () => 1,
    radius: () => ({ queryCounts: [], blastRadius: { sharePercent: 1, queriesMin: 1000 } }),
    log: { info: log, warn: log, error: log },
    nowSeconds: () => ledger.nowSeconds,
    ...own,
  });
  watches.push(watch);
  return { ledger, watch, told, applied, logged };
}

describe('a rollout', () => {
  test('is told to those who judge, in hundredths of a per cent, once for each change', async () => {
    const { ledger, watch, told } = await watched();
    await watch.look();
    await ledger.push(['bad.example']);
    await watch.look();
    await watch.look();
    expect(told).toEqual([[], [{ list: 'desk', slot: 1, permyriad: 100 }]]);
  });

  test('goes to its next stage when its time has come, not before, and waits where a person decides', async () => {
    const { ledger, watch, told, applied } = await watched();
    await ledger.push(['bad.example']);
    ledger.nowSeconds += 59;
    await watch.look();
    expect(told.at(-1)).toMatchObject([{ permyriad: 100 }]);
    ledger.nowSeconds += 1;
    await watch.look();
    expect(told.at(-1)).toMatchObject([{ permyriad: 1250 }]);
    ledger.nowSeconds += 1_000_000;
    await watch.look();
    expect(told.at(-1)).toMatchObject([{ permyriad: 1250 }]);
    expect(applied).toEqual([]);
  });

  test('that is taken back leads to what another one has of the same name, which is told of on the way', async () => {
    const slots: number[] = [];
    const { ledger, watch, told } = await watched({
      apply: async (delta) => {
        slots.push(...delta.names!.flatMap(({ entries }) => entries.map(({ rolloutSlot }) => rolloutSlot)));
        // As the service does with what is staged.
        await watch.tell();
      },
    });
    await ledger.push([{ name: 'bad.example', scope: 'exact' }]);
    await ledger.push([{ name: 'bad.example', scope: 'subtree' }]);
    for (const client of ['a', 'b'])
      await ledger.store.fileAppeal(sentAppeal({ name: 'bad.example', entry: 'bad.example', client }));
    await watch.look();
    expect(slots).toContain(2);
    expect(told.at(-1)).toMatchObject([{ permyriad: 0 }, { permyriad: 0 }]);
  });

  test('looks by itself while something is staged', async () => {
    const { ledger, watch, told } = await watched();
    await ledger.push(['bad.example']);
    await watch.look();
    ledger.nowSeconds += 60;
    await vi.waitFor(() => expect(told.at(-1)).toMatchObject([{ permyriad: 1250 }]), 10_000);
  });

  test('against which too many object is taken back, and its entries with it; the others stay', async () => {
    const { ledger, watch, applied, logged } = await watched();
    await ledger.push(['bad.example']);
    await ledger.push(['other.example']);
    await ledger.store.fileAppeal(sentAppeal({ name: 'www.other.example', entry: 'other.example', client: 'a' }));
    await ledger.store.fileAppeal(sentAppeal({ name: 'elsewhere.example', entry: 'elsewhere.example', client: 'b' }));
    await watch.look();
    expect(applied).toEqual([]);
    await ledger.store.fileAppeal(sentAppeal({ name: 'other.example', entry: 'other.example', client: 'c' }));
    for (let look = 0; look < 5; look++) await watch.look();
    expect(applied).toMatchObject([{ list: 'desk', names: [{ name: 'other.example', entries: [] }] }]);
    expect(logged).toContain('a rollout was taken back: 2 appeals are open against it, more than 1');
    expect(await ledger.store.rollouts()).toMatchObject([{ state: 'running' }, { state: 'aborted', percent: 0 }]);
    const audit = await ledger.store.audit(0, 100);
    expect(audit.at(-1)).toMatchObject({ kind: 'rollout', data: { to: 'abort' } });
  });

  test('is looked at before it goes on to more clients, at whichever look that is', async () => {
    const { ledger, watch, told } = await watched();
    await ledger.push(['bad.example']);
    await watch.look();
    for (const client of ['a', 'b'])
      await ledger.store.fileAppeal(sentAppeal({ name: 'bad.example', entry: 'bad.example', client }));
    ledger.nowSeconds += 60;
    await watch.look();
    expect(told.map((stages) => stages.map(({ permyriad }) => permyriad))).toEqual([[100], [0]]);
  });

  test('whose entries turn out to be asked for by many is taken back, and says by how many', async () => {
    const queryCounts: SharedArrayBuffer[] = [];
    const { ledger, watch, applied, logged } = await watched({
      radius: () => ({ queryCounts, blastRadius: { sharePercent: 1, queriesMin: 1000 } }),
    });
    await ledger.push(['quiet.example']);
    await ledger.push(['a.example', 'b.example']);
    await watch.look();
    expect(applied).toEqual([]);
    // Each of them less than may be; together more.
    queryCounts.push(
      askedBy('www.a.example', 800, ledger.nowSeconds),
      askedBy('www.b.example', 800, ledger.nowSeconds),
      askedBy('other.example', 10_000, ledger.nowSeconds),
    );
    ledger.nowSeconds += 60;
    await watch.look();
    expect(applied).toMatchObject([{ list: 'desk', names: [{ name: 'a.example' }, { name: 'b.example' }] }]);
    expect(logged).toContainEqual(
      expect.stringMatching(
        /^a rollout was taken back: it would have blocked about \d+ of \d+ queries in the last 24 h$/,
      ),
    );
    expect(await ledger.store.rollouts()).toMatchObject([{ percent: 12.5 }, { state: 'aborted' }]);
  });

  test('whose ledger cannot be asked stays at its stage, and is looked at again', async () => {
    let isDown = true;
    const { ledger, watch, told, logged } = await watched();
    await ledger.push(['bad.example']);
    const store = ledger.store;
    const rollouts = store.rollouts.bind(store);
    store.rollouts = () => (isDown ? Promise.reject(new Error('away')) : rollouts());
    await watch.look();
    expect(told).toEqual([]);
    expect(logged).toEqual(['rollouts cannot be looked at; they stay at their stage']);
    isDown = false;
    await vi.waitFor(() => expect(told.at(-1)).toMatchObject([{ permyriad: 100 }]), 10_000);
  });

  test('that is complete is told as everybody, so that an index from before it blocks as well', async () => {
    const { ledger, watch, told } = await watched();
    await ledger.push(['bad.example']);
    const actor = { id: 'x', name: 'x', lists: ['*'], rights: ['approve'] } as const;
    for (let stage = 0; stage < STAGES.length; stage++)
      await ledger.store.moveRollout('r1', 'promote', 'a test', actor);
    await watch.look();
    expect(told.at(-1)).toEqual([{ list: 'desk', slot: 1, permyriad: 10_000 }]);
    expect(isDone(await ledger.tryPush(['other.example'])).accepted).toBe(1);
  });
});

describe('the key of rollouts', () => {
  test('is made once, for nobody else to read, and stays', () => {
    const folder = join(temporaryFolder('rollout-key'), 'state');
    const key = rolloutKey(folder);
    expect(rolloutKey(folder)).toEqual(key);
    expect(statSync(join(folder, ROLLOUT_KEY_FILE)).mode & 0o777).toBe(0o600);
    expect(rolloutKey(temporaryFolder('rollout-key'))).not.toEqual(key);
  });

  test('that is damaged is made anew, and without a folder that takes it there is one all the same', () => {
    const folder = temporaryFolder('rollout-key');
    writeFileSync(join(folder, ROLLOUT_KEY_FILE), 'short');
    expect(rolloutKey(folder)).toHaveLength(16);
    expect(readFileSync(join(folder, ROLLOUT_KEY_FILE))).toHaveLength(16);
    expect(rolloutKey(join(folder, ROLLOUT_KEY_FILE, 'below-a-file'))).toHaveLength(16);
  });
});
