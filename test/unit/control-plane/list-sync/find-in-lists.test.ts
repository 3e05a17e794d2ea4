/** Looking a name up in pulled lists: in all of them for a person, in one small one for the warning page. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FindWithin } from '../../../../src/control-plane/list-sync/find-in-lists.ts';
import { nameFromText } from '../../../../src/dns/name.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;
beforeEach(async () => {
  harness = await SyncHarness.create();
  const lists = await Promise.all(
    ['a', 'b'].map(async (name) => ({
      name,
      format: 'csv' as const,
      source: await harness.file(`${name}.csv`, `name,reference\nbad.example,of ${name}\n`),
    })),
  );
  await harness.start(testConfig(harness.folder, lists));
});
afterEach(async () => {
  await harness.remove();
});

const ENOUGH = 1 << 20;

async function referencesOf(within?: FindWithin): Promise<(string | undefined)[]> {
  const found = await harness.current().findEntries(nameFromText('www.bad.example')!, within);
  return found.map(({ entry }) => entry.provenance?.reference);
}

describe('a name', () => {
  test('is found in every list, by the compile thread', async () => {
    expect(await referencesOf()).toEqual(['of a', 'of b']);
    expect(harness.runner.kinds).toContain('find');
  });

  test('is found in the one list that is asked for, at once where that is in memory', async () => {
    expect(await referencesOf({ list: 'b', bytesMax: ENOUGH })).toEqual(['of b']);
    expect(await referencesOf({ list: 'c', bytesMax: ENOUGH })).toEqual([]);
    expect(harness.runner.kinds).not.toContain('find');
  });

  test('is not looked for in one that is larger than whoever asks will have read', async () => {
    expect(await referencesOf({ list: 'b', bytesMax: 8 })).toEqual([]);
    expect(harness.runner.kinds).not.toContain('find');
  });
});
