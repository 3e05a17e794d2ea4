/** The guard against names that real fraud lists contain and that one careless push must not block. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { normaliseName } from '../../../../../src/control-plane/list-sync/format/normalise-name.ts';
import { readListFile } from '../../../../../src/control-plane/list-sync/format/read-list-file.ts';
import { readNames } from '../../../../../src/control-plane/list-sync/format/read-names.ts';
import { createGuard } from '../../../../../src/control-plane/list-sync/guard/create-guard.ts';
import type { Guard } from '../../../../../src/control-plane/list-sync/guard/guard.ts';
import { REAL_DATA_REASON, realData } from '../../../../support/real-data.ts';

const data = realData ?? '';

/** Which column of a section is the listed name. */
const NAME_COLUMN: Readonly<Record<string, number>> = { 1: 1, 2: 1, 3: 0, 4: 0, 5: 0, 6: 0, 8: 2, 9: 0 };

function hazards(): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let section = '';
  for (const line of readFileSync(join(data, 'hazards.txt'), 'utf8').split('\n')) {
    section = /^# SECTION (\d)/.exec(line)?.[1] ?? section;
    const column = NAME_COLUMN[section];
    if (line === '' || line.startsWith('#') || column === undefined) continue;
    const name = normaliseName(line.split('\t')[column] ?? '');
    if (name.kind === 'name') sections.set(section, [...(sections.get(section) ?? []), name.name]);
  }
  return sections;
}

async function names(path: string): Promise<readonly string[]> {
  const outcome = await readNames(path);
  return outcome.kind === 'read' ? outcome.names : [];
}

function notHeld(guard: Guard, list: readonly string[]): string[] {
  return list.filter((name) => guard.check(name, 'subtree') === undefined);
}

describe.skipIf(realData === undefined)(`real hazards (${REAL_DATA_REASON})`, () => {
  let popular: readonly string[] = [];
  let guard: Guard;
  let sections: Map<string, string[]>;

  beforeAll(async () => {
    popular = await names(join(data, 'popular-100k.txt'));
    guard = createGuard({ protectedNames: [], popularNames: popular, sharedHosts: [], approved: [] });
    sections = hazards();
  });

  test('the file has its sections', () => {
    expect([...sections.keys()]).toEqual(['1', '2', '3', '4', '5', '6', '8', '9']);
    expect(sections.get('3')?.length).toBeGreaterThan(80);
    expect(popular.length).toBeGreaterThan(99_000);
  });

  test.each(['1', '2', '3', '8'])('section %s is held whole, without a protected name of ours', (section) => {
    expect(notHeld(guard, sections.get(section) ?? [])).toEqual([]);
  });

  test.each(['4', '9'])('section %s is held but for wcomhost.com, which is neither popular nor a suffix', (section) => {
    expect(notHeld(guard, sections.get(section) ?? [])).toEqual(['wcomhost.com']);
  });

  test.each(['5', '6'])('section %s is held where the operator names it in sharedHosts', (section) => {
    const shared = sections.get(section) ?? [];
    const told = createGuard({ protectedNames: [], popularNames: popular, sharedHosts: shared, approved: [] });
    expect(shared.length).toBeGreaterThan(50);
    expect(notHeld(told, shared)).toEqual([]);
  });

  test('no list blocks a popular name: an entry that would, itself or from above, is held', async () => {
    const ancestors = new Map<string, string>();
    for (const name of popular) {
      for (let at = 0; at >= 0; at = name.indexOf('.', at + 1)) {
        const suffix = at === 0 ? name : name.slice(at + 1);
        if (!ancestors.has(suffix)) ancestors.set(suffix, name);
      }
    }
    const popularSet = new Set(popular);
    const blocked: string[] = [];
    let entries = 0;
    const files = globSync('lists/**/*', { cwd: data, withFileTypes: true })
      .filter((file) => file.isFile() && !file.name.startsWith('LICENSE'))
      .map((file) => join(file.parentPath, file.name));
    for (const file of [...files, join(data, 'fraud-1m.txt.zst')]) {
      await readListFile(
        file,
        { format: 'auto' },
        {
          entry(entry) {
            entries++;
            if (entry.kind === 'exception' || !ancestors.has(entry.name)) return;
            const blocksOne = entry.scope === 'subtree' || popularSet.has(entry.name);
            if (blocksOne && guard.check(entry.name, entry.scope) === undefined) blocked.push(entry.name);
          },
        },
      );
    }
    expect(entries).toBeGreaterThan(1_100_000);
    expect(blocked).toEqual([]);
  });
});
