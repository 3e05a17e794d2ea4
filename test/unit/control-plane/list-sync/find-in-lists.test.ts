/** Looking a name up in pulled lists: in all of them for a person, in one for the warning page. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nameFromText } from '../../../../src/dns/name.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

const PAGE = { host: '127.0.0.1', port: 0 };
/** Of a list that is kept on the disk. */
const LARGE = 40_000;

let harness: SyncHarness;
beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(async () => {
  await harness.remove();
});

const linesOf = (list: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `name-of-some-length-${i}.example,order ${i} of ${list}\n`).join('');

async function start(contents: Readonly<Record<string, string>>, isPageOn = true): Promise<void> {
  const lists = await Promise.all(
    Object.entries(contents).map(async ([name, lines]) => ({
      name,
      format: 'csv' as const,
      bytesMax: 100 * 1024 * 1024,
      source: await harness.file(`${name}.csv`, `name,reference\n${lines}`),
    })),
  );
  const config = testConfig(harness.folder, lists);
  const listen = { ...config.listen, warningPageHttp: isPageOn ? PAGE : undefined };
  await harness.start({ ...config, listen });
}

function referencesOf(list: string, name: string): (string | undefined)[] | undefined {
  const found = harness.current().entriesOf(list, nameFromText(name)!);
  return found?.map(({ provenance }) => provenance?.reference);
}

/** Places are noted behind the publication. */
const untilKnown = (list: string): Promise<unknown> =>
  vi.waitFor(() => expect(referencesOf(list, 'x.example')).toBeDefined(), { timeout: 30_000 });

describe('a name', () => {
  test('is found in every list, with what is above it, by the compile thread', async () => {
    await start({ a: 'bad.example,of a\n', b: 'bad.example,of b\n' });
    const found = await harness.current().findEntries(nameFromText('www.bad.example')!);
    expect(found.map(({ entry }) => entry.provenance?.reference)).toEqual(['of a', 'of b']);
    expect(harness.runner.kinds).toContain('find');
  });

  test('is found in the one list that is asked for, the name itself alone, without a job', async () => {
    await start({ a: 'bad.example,of a\n', b: 'bad.example,of b\n' });
    await untilKnown('b');
    expect(referencesOf('b', 'bad.example')).toEqual(['of b']);
    expect(referencesOf('b', 'www.bad.example')).toEqual([]);
    expect(referencesOf('c', 'bad.example')).toBeUndefined();
    expect(harness.runner.kinds).not.toContain('find');
  });

  test('is found in a large list, which lies on the disk, and in what takes its place', async () => {
    await start({ a: linesOf('a', LARGE) });
    await untilKnown('a');
    for (const i of [0, 1, 17_171, LARGE - 1]) {
      expect(referencesOf('a', `name-of-some-length-${i}.example`)).toEqual([`order ${i} of a`]);
    }
    expect(referencesOf('a', `name-of-some-length-${LARGE}.example`)).toEqual([]);
    await harness.file('a.csv', `name,reference\n${linesOf('the next', LARGE)}`);
    await harness.current().reload(testConfigOf());
    await vi.waitFor(
      () => expect(referencesOf('a', 'name-of-some-length-17171.example')).toEqual(['order 17171 of the next']),
      { timeout: 30_000 },
    );
  });

  test('cannot be told where the list is gone from the disk, and nothing is thrown', async () => {
    await start({ a: linesOf('a', LARGE) });
    await untilKnown('a');
    await rm(join(harness.folder, 'state', 'lists'), { recursive: true });
    expect(referencesOf('a', 'name-of-some-length-1.example')).toBeUndefined();
  });

  test('costs nothing where no list says more than names, or no page is there to show it', async () => {
    await start({ a: 'bad.example,\n' });
    await untilKnown('a');
    expect(referencesOf('a', 'bad.example')).toEqual([]);
    expect(harness.runner.kinds).not.toContain('places');
    await harness.close();
    await start({ b: 'bad.example,of b\n' }, false);
    await harness.until(() => harness.status('b')?.version === 1);
    await vi.waitFor(() => expect(harness.runner.kinds).toContain('snapshot'), { timeout: 30_000 });
    await harness.close();
    expect(harness.runner.kinds).not.toContain('places');
  });

  function testConfigOf() {
    const source = join(harness.folder, 'a.csv');
    const list = { name: 'a', format: 'csv' as const, bytesMax: 100 * 1024 * 1024, source };
    const config = testConfig(harness.folder, [list]);
    return { ...config, listen: { ...config.listen, warningPageHttp: PAGE } };
  }
});
