import { rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buffersOf } from '../../../../src/control-plane/list-sync/buffer-pool.ts';
import { References } from '../../../../src/control-plane/list-sync/references.ts';
import { HeldRunner } from '../../../support/held-runner.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

describe('references', () => {
  test('free a thing once, when the last who held it lets go', () => {
    const freed: object[] = [];
    const references = new References<object>((thing) => void freed.push(thing));
    const [one, other] = [{}, {}];
    references.hold([one, other]);
    references.hold([one]);
    references.release([one, other]);
    expect(freed).toEqual([other]);
    references.release([one]);
    references.release([one]);
    expect(freed).toEqual([other, one]);
    expect(freed[1]).toBe(one);
  });
});

function names(word: string, count: number): string {
  return Array.from({ length: count }, (_, i) => `${word}-${i}.example`).join('\n');
}

async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

describe('memory that is used again', () => {
  let harness: SyncHarness;

  beforeEach(async () => {
    harness = await SyncHarness.create();
  });
  afterEach(async () => {
    await harness.remove();
  });

  test('is not that of a list whose build waits, though the list has been renewed twice meanwhile', async () => {
    const source = await harness.file('a.txt', names('one', 1000));
    const runner = new HeldRunner('build');
    const starting = harness.start(testConfig(harness.folder, [{ name: 'a', source }]), runner);
    await runner.begun.promise;
    for (const [index, word] of ['two', 'six'].entries()) {
      await replace(source, names(word, 1000));
      await harness.until(() => runner.kinds.filter((kind) => kind === 'parse').length === index + 2);
      await harness.until(() => harness.statuses.filter(({ attempted }) => attempted).length >= index + 2);
    }
    runner.go('build');
    await harness.until(() => harness.policies.length === 1);
    expect(harness.verdict('one-999.example')).toBe('blocked by a');
    expect(harness.verdict('six-999.example')).toBe('allowed');
    await starting;
    await harness.until(() => harness.verdict('six-999.example') === 'blocked by a');
  });

  test('is not that of a base whose snapshot waits, though it has been replaced twice meanwhile', async () => {
    const source = await harness.file('a.txt', names('one', 21_000));
    const runner = new HeldRunner('snapshot');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]), runner);
    await runner.begun.promise;
    for (const [index, word] of ['two', 'six', 'ten'].entries()) {
      await replace(source, names(word, 21_000));
      await harness.until(() => harness.status('a')?.version === index + 2);
    }
    const first = buffersOf(harness.policies[0]!);
    const reused = harness.policies.slice(1).flatMap((policy) => buffersOf(policy));
    expect(harness.policies).toHaveLength(4);
    expect(reused.filter((buffer) => first.includes(buffer))).toEqual([]);
    runner.go('snapshot');
  });

  test('is not written as the last good copy: a content that has been renewed is not, the newer one is', async () => {
    const lists = [
      { name: 'first', source: await harness.file('first.txt', 'first.example\n') },
      { name: 'a', source: await harness.file('a.txt', 'one.example\n') },
    ];
    const runner = new HeldRunner('persist', 'overlay');
    await harness.start(testConfig(harness.folder, lists), runner);
    await runner.begun.promise;
    await replace(lists[1]!.source, 'two.example\n');
    await harness.until(() => harness.statuses.filter(({ name }) => name === 'a').length >= 3);
    const persisted = (): string[] =>
      runner.jobs.flatMap((job) => (job.kind === 'persist' ? `${job.header.list} ${job.header.version}` : []));
    runner.go('persist');
    await vi.waitFor(() => expect(persisted()).toEqual(['first 1']), { timeout: 20_000 });
    runner.go('overlay');
    await vi.waitFor(() => expect(persisted()).toContain('a 2'), { timeout: 20_000 });
    expect(persisted()).toEqual(['first 1', 'a 2']);
  });
});
