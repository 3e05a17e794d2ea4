/** The protected names in the published index: there with every base and overlay, after a restart, and as the file says. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SyncHarness, isProtected, testConfig } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;

beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(async () => {
  await harness.remove();
});

const NAMES = ['bank.example', 'www.bank.example', 'other.example'];
const inForce = () => NAMES.map((name) => isProtected(harness.policies.at(-1)!, name));

async function replace(path: string, content: string): Promise<void> {
  await rename(await harness.file('new', content), path);
}

async function config() {
  const source = await harness.file('a.txt', 'bad.example\n');
  const names = await harness.file('protected.txt', 'bank.example\n');
  return { source, names, config: testConfig(harness.folder, [{ name: 'a', source }], { protected: [names] }) };
}

test('are published with all below them, block nothing, and follow the file', async () => {
  const { names, config: settings } = await config();
  await harness.start(settings);
  expect(inForce()).toEqual([true, true, false]);
  expect(harness.verdict('www.bank.example')).toBe('allowed');
  expect(harness.status('a')?.entries).toBe(1);
  await replace(names, 'other.example\n');
  await harness.until(() => harness.policies.length === 2);
  expect(inForce()).toEqual([false, false, true]);
});

test('stay protected where a small change of a list is put over them', async () => {
  const { source, config: settings } = await config();
  await harness.start({ ...settings, lists: settings.lists.map((list) => ({ ...list, approved: ['bank.example'] })) });
  for (const [content, verdict] of [
    ['bad.example\nbank.example\n', 'blocked by a'],
    ['bad.example\nworse.example\n', 'allowed'],
  ] as const) {
    const before = harness.policies.length;
    await replace(source, content);
    await harness.until(() => harness.policies.length > before);
    expect(harness.policies.at(-1)?.base).toBe(harness.policies[0]?.base);
    expect(harness.policies.at(-1)?.overlay).toBeDefined();
    expect(harness.verdict('bank.example')).toBe(verdict);
    expect(inForce()).toEqual([true, true, false]);
  }
});

test('are in the compiled index of a restart', async () => {
  const { config: settings } = await config();
  await harness.start(settings);
  const path = join(harness.folder, 'state', 'lists', 'compiled.index');
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
  await harness.close();
  harness.policies.length = 0;
  harness.runner.kinds.length = 0;
  await harness.start(settings);
  expect(harness.runner.kinds).not.toContain('build');
  expect(inForce()).toEqual([true, true, false]);
});
