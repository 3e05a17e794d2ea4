/** A control thread that replaces another: what that one has published is not replaced by anything older, or by nothing. */
import { rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ledgerPath } from '../../../../src/control-plane/ledger/open-database.ts';
import { listSettings, openTestLedger, type TestLedger } from '../../../support/ledger-harness.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;

beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(() => harness.remove());

const AWAY = { deltaSince: () => Promise.reject(new Error('it is away')) };

/** One name in the snapshot, and a later one that was pushed on top of it. The thread that did it is gone. */
async function publishedBefore(): Promise<{ ledger: TestLedger; config: ReturnType<typeof testConfig> }> {
  const config = testConfig(harness.folder, [{ name: 'desk', sourceKind: 'push', source: 'push' }]);
  const ledger = await openTestLedger({
    stateDirectory: config.stateDirectory,
    lists: [listSettings({ name: 'desk' })],
  });
  harness.ledger = ledger.store;
  await ledger.push(['old.example']);
  const first = await harness.start(config);
  await vi.waitFor(() => expect(harness.runner.kinds).toContain('snapshot'), 20_000);
  await first.apply((await ledger.push(['new.example'])).delta);
  await harness.runner.drained();
  await harness.close();
  harness.isPolicyInForce = true;
  return { ledger, config };
}

/** Returns what puts it back. */
async function takeFileAway(stateDirectory: string): Promise<() => Promise<void>> {
  const path = ledgerPath(stateDirectory);
  for (const end of ['', '-wal', '-shm']) await rename(`${path}${end}`, `${path}.aside${end}`);
  await writeFile(path, 'no database '.repeat(100));
  return async () => {
    for (const end of ['', '-wal', '-shm']) await rename(`${path}.aside${end}`, `${path}${end}`);
  };
}

test('stays while neither the ledger nor its file can be read, until the ledger answers', async () => {
  const { ledger, config } = await publishedBefore();
  const before = harness.policies.length;
  await takeFileAway(config.stateDirectory);
  harness.ledger = { deltaSince: (...asked) => answering.deltaSince(...asked) };
  let answering: Pick<typeof ledger.store, 'deltaSince'> = AWAY;
  const sync = await harness.start(config);
  await sync.reload(config);
  await expect(sync.setAudience({ exceptions: [] })).rejects.toThrow('the policy in force stays');
  expect(harness.policies).toHaveLength(before);
  expect(harness.logged.join('\n')).toContain('the policy in force stays until it can');
  answering = ledger.store;
  await sync.catchUp();
  await harness.until(() => harness.policies.length > before);
  for (const name of ['old.example', 'new.example']) expect(harness.verdict(name)).toBe('blocked by desk');
});

test('stays until the file can be read', async () => {
  const { config } = await publishedBefore();
  const before = harness.policies.length;
  const putBack = await takeFileAway(config.stateDirectory);
  harness.ledger = AWAY;
  harness.retryFirstMs = 50;
  await harness.start(config);
  expect(harness.policies).toHaveLength(before);
  await putBack();
  await harness.until(() => harness.policies.length > before);
  for (const name of ['old.example', 'new.example']) expect(harness.verdict(name)).toBe('blocked by desk');
});

test('is followed at once by what the file says where only the thread is away', async () => {
  const { config } = await publishedBefore();
  harness.ledger = AWAY;
  await harness.start(config);
  for (const name of ['old.example', 'new.example']) expect(harness.verdict(name)).toBe('blocked by desk');
});

test('is not replaced by an empty one where none can be made', async () => {
  const source = await harness.file('bad.txt', 'bad.example\n');
  const config = testConfig(harness.folder, [{ name: 'fraud', source }], { protected: [`${harness.folder}/missing`] });
  harness.isPolicyInForce = true;
  await harness.start(config);
  expect(harness.policies).toEqual([]);
  await harness.close();
  harness.isPolicyInForce = false;
  await harness.start(config);
  expect(harness.policies).toHaveLength(1);
});
