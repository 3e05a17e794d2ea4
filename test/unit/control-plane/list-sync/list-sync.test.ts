import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;

beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(async () => {
  await harness.remove();
});

/** As an editor or a download tool does it: whole, then renamed into place. */
async function replace(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

describe('the first policy', () => {
  test('blocks what the lists name, and nothing else', async () => {
    const source = await harness.file('a.txt', 'bad.example\nworse.example\n');
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    expect(harness.verdict('www.bad.example')).toBe('blocked by a');
    expect(harness.verdict('good.example')).toBe('allowed');
    expect(sync.readiness()).toMatchObject({ ready: true, lists: [{ name: 'a', entries: 2, version: 1 }] });
  });

  test('is published though a list is missing, and says which and why', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    const missing = join(harness.folder, 'missing.txt');
    const sync = await harness.start(
      testConfig(harness.folder, [
        { name: 'gone', source: missing },
        { name: 'a', source },
      ]),
    );
    expect(harness.verdict('bad.example')).toBe('blocked by a');
    expect(sync.readiness().ready).toBe(true);
    expect(harness.status('gone')?.failure).toEqual({ reason: 'unreadable', message: `${missing} does not exist` });
    expect(harness.logged.join('\n')).toContain(`${missing} does not exist; nothing of it is in force`);
  });

  test('comes from a compile thread of its own', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]), 'thread');
    expect(harness.verdict('bad.example')).toBe('blocked by a');
    expect(harness.policies[0]?.base.table).toBeInstanceOf(SharedArrayBuffer);
  });

  test('is empty when the compiler cannot work at all, so that queries are answered', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    const dead = {
      run: () => Promise.resolve({ kind: 'failed' as const, message: 'the compile thread ended: out of memory' }),
      close: () => Promise.resolve(),
    };
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'a', source }]), dead);
    expect(harness.verdict('bad.example')).toBe('allowed');
    expect(sync.readiness().lists[0]?.failure?.reason).toBe('internal');
  });
});

describe('several lists', () => {
  test('for one name the first in the configuration decides, whatever its action', async () => {
    const first = await harness.file('first.txt', 'both.example\n');
    const second = await harness.file('second.txt', 'both.example\nsecond.example\n');
    const lists = [
      { name: 'first', source: first },
      { name: 'second', source: second },
    ];
    const sync = await harness.start(testConfig(harness.folder, lists));
    expect(harness.verdict('both.example')).toBe('blocked by first');
    await sync.reload(testConfig(harness.folder, lists.toReversed()));
    expect(harness.verdict('both.example')).toBe('blocked by second');
  });

  test('a list that is removed by a reload blocks nothing any more; one that is added does', async () => {
    const a = await harness.file('a.txt', 'a.example\n');
    const b = await harness.file('b.txt', 'b.example\n');
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'a', source: a }]));
    await sync.reload(testConfig(harness.folder, [{ name: 'b', source: b }]));
    expect(harness.verdict('a.example')).toBe('allowed');
    expect(harness.verdict('b.example')).toBe('blocked by b');
    expect(sync.readiness().lists.map(({ name }) => name)).toEqual(['b']);
  });

  test('a reload to shadow mode lets the name pass and keeps the version', async () => {
    const source = await harness.file('a.txt', 'a.example\n');
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    await sync.reload(testConfig(harness.folder, [{ name: 'a', source, mode: 'shadow' }]));
    expect(harness.verdict('a.example')).toBe('shadow by a');
    expect(harness.policies.at(-1)?.lists[0]).toMatchObject({ mode: 'shadow', version: 1 });
    expect(harness.policies.map(({ generation }) => generation)).toEqual([1, 2]);
  });

  test('an exception lifts only the entries of its own list', async () => {
    const a = await harness.file('a.txt', '||bad.example^\n@@||fine.bad.example^\n||other.example^\n');
    const b = await harness.file('b.txt', '||bad.example^\n||third.example^\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source: a, format: 'adblock' }]));
    expect(harness.verdict('fine.bad.example')).toBe('allowed');
    await harness.close();
    await harness.start(
      testConfig(harness.folder, [
        { name: 'a', source: a, format: 'adblock' },
        { name: 'b', source: b, format: 'adblock' },
      ]),
    );
    expect(harness.verdict('fine.bad.example')).toBe('blocked by b');
  });
});

describe('allow files and the guard', () => {
  test('an allow entry wins over every list', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    const allow = await harness.file('allow.txt', '# ours\nshop.bad.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }], { allow: [allow] }));
    expect(harness.verdict('shop.bad.example')).toBe('allowlisted by allow');
    expect(harness.verdict('bad.example')).toBe('blocked by a');
    expect(harness.policies[0]?.allowSources).toEqual([allow]);
  });

  test('a changed allow file is in force without a reload', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    const allow = await harness.file('allow.txt', '');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }], { allow: [allow] }));
    await replace(allow, 'bad.example\n');
    await harness.until(() => harness.policies.length === 2);
    expect(harness.verdict('bad.example')).toBe('allowlisted by allow');
  });

  test('an allow file that cannot be used any more says what it said before', async () => {
    const source = await harness.file('a.txt', 'bad.example\nworse.example\n');
    const allow = await harness.file('allow.txt', 'bad.example\n');
    const config = testConfig(harness.folder, [{ name: 'a', source }], { allow: [allow] });
    const sync = await harness.start(config);
    for (const content of ['<html>an error page</html>', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])]) {
      await replace(allow, content);
      await sync.reload(config);
      expect(harness.verdict('bad.example')).toBe('allowlisted by allow');
    }
    await rm(allow);
    await sync.reload(config);
    expect(harness.verdict('bad.example')).toBe('allowlisted by allow');
    expect(harness.logged.filter((line) => line.includes('what it said before stays in force'))).not.toEqual([]);
  });

  test('a protected name is held, counted and shown, and in force once it is approved', async () => {
    const source = await harness.file('a.txt', 'bank.example\nbad.example\ncom\n');
    const guarded = { protected: [await harness.file('protected.txt', 'bank.example\n')] };
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'a', source }], guarded));
    expect(harness.verdict('bank.example')).toBe('allowed');
    expect(harness.status('a')).toMatchObject({ entries: 1, holdsByGuard: { protected: 1, tld: 1 } });
    expect(harness.status('a')?.heldSamples[0]).toMatchObject({ code: 'protected', lineNumber: 1 });
    await sync.reload(testConfig(harness.folder, [{ name: 'a', source, approved: ['bank.example'] }], guarded));
    expect(harness.verdict('bank.example')).toBe('blocked by a');
    expect(harness.verdict('example.com')).toBe('allowed');
  });

  test('a name that becomes protected is let go without a reload', async () => {
    const source = await harness.file('a.txt', 'bank.example\nbad.example\n');
    const names = await harness.file('protected.txt', 'other.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }], { protected: [names] }));
    expect(harness.verdict('bank.example')).toBe('blocked by a');
    await replace(names, 'bank.example\n');
    await harness.until(() => harness.policies.length === 2);
    expect(harness.verdict('bank.example')).toBe('allowed');
  });

  test.each(['protected', 'popular', 'sharedHosts'] as const)(
    'a %s file cut down to nothing lets go of nothing',
    async (role) => {
      const source = await harness.file('a.txt', 'bank.example\nbad.example\n');
      const names = await harness.file('names.txt', 'bank.example\n');
      await harness.start(testConfig(harness.folder, [{ name: 'a', source }], { [role]: [names] }));
      await replace(names, '');
      await harness.until(() => harness.logged.some((line) => line.includes('the policy in force stays')));
      expect(harness.verdict('bank.example')).toBe('allowed');
      await replace(names, '# none any more\n');
      await harness.until(() => harness.policies.length === 2);
      expect(harness.verdict('bank.example')).toBe('blocked by a');
    },
  );

  test('a protected file that cannot be read leaves what is in force', async () => {
    const source = await harness.file('a.txt', 'bank.example\n');
    const names = await harness.file('protected.txt', 'other.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }], { protected: [names] }));
    await replace(names, '<html>an error page</html>');
    await harness.until(() => harness.logged.some((line) => line.includes('the policy in force stays')));
    expect(harness.policies).toHaveLength(1);
    expect(harness.logged.join('\n')).toContain(`the protected names in ${names} cannot be used`);
  });
});

describe('a change of the file', () => {
  test('renamed into place is in force with the next version', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    await replace(source, 'new.example\n');
    await harness.until(() => harness.status('a')?.version === 2);
    expect(harness.verdict('old.example')).toBe('allowed');
    expect(harness.verdict('new.example')).toBe('blocked by a');
  });

  test('written in place is in force once it is quiet', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    await writeFile(source, 'new.example\nsecond.example\n');
    await harness.until(() => harness.status('a')?.version === 2);
    expect(harness.verdict('second.example')).toBe('blocked by a');
  });

  test('to the same content does not make a version', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    const sync = await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    await replace(source, 'old.example\n');
    await sync.reload(testConfig(harness.folder, [{ name: 'a', source }]));
    expect(harness.status('a')?.version).toBe(1);
  });

  test.each([
    ['an HTML page', '<!doctype html><html><body>Log in</body></html>', 'html'],
    ['an empty file', '', 'empty'],
    ['comments only', '# nothing here\n', 'empty'],
    ['binary data', Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) % 256), 'binary'],
    ['a truncated gzip', gzipSync('new.example\n'.repeat(5000)).subarray(0, 40), 'truncated'],
    ['lines that are all wrong', '$0/\n'.repeat(100), 'nothingUsable'],
    ['too many wrong lines', `new.example\n${'$0/ \n'.repeat(3)}`, 'tooManyBadLines'],
  ])('to %s is refused with the reason; the last good version stays', async (_what, content, reason) => {
    const source = await harness.file('a.txt', 'old.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    await replace(source, content);
    await harness.until(() => harness.status('a')?.failure !== undefined);
    expect(harness.status('a')).toMatchObject({ version: 1, entries: 1, failure: { reason } });
    expect(harness.verdict('old.example')).toBe('blocked by a');
    expect(harness.logged.at(-1)).toMatch(/version 1 stays in force$/);
  });

  test('away leaves the last version in force, and is taken back by a good file', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    await rm(source);
    await harness.until(() => harness.status('a')?.failure?.reason === 'unreadable');
    expect(harness.verdict('old.example')).toBe('blocked by a');
    await replace(source, 'new.example\n');
    await harness.until(() => harness.status('a')?.version === 2);
    expect(harness.status('a')?.failure).toBeUndefined();
  });
});
