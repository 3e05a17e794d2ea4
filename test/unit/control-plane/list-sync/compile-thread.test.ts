import { expect, test } from 'vitest';
import { CompileClient } from '../../../../src/control-plane/list-sync/compile-client.ts';
import type { JobOf } from '../../../../src/control-plane/list-sync/compile-jobs.ts';

const threadUrl = new URL('../../../fixtures/threads/watched-compile-thread.ts', import.meta.url);

/** A build of lists that say they have so many entries. */
function build(...entries: readonly number[]): JobOf<'build'> {
  return {
    kind: 'build',
    seed: 1,
    lists: entries.map((count, index) => ({
      settings: { name: `list-${index}`, category: 'fraud', mode: 'enforce', action: 'sinkhole' },
      segment: undefined,
      entries: count,
      nameBytes: undefined,
      approved: [],
      holds: undefined,
    })),
    allow: [],
    guard: { key: 1, protected: [], popular: [], sharedHosts: [], listSourceHosts: [] },
    buffers: [],
  };
}

test('before a build of a large list, and of no other, what its parsing left is collected', async () => {
  const said = new Set<string>();
  const client = new CompileClient({
    onWarning: (text) => said.add(text),
    onDeath: (message) => said.add(message),
    threadUrl,
  });
  for (const job of [build(99_999, 99_999), build(10, 100_000), build(), build(200_000)])
    expect(await client.run(job)).toMatchObject({ result: { kind: 'built' } });
  await expect.poll(() => said.size).toBeGreaterThanOrEqual(2);
  expect([...said]).toEqual(['collected before a build of 100010', 'collected before a build of 200000']);
  await client.close();
});
