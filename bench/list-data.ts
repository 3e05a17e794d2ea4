/**
 * The list that every server of a run is given. A million real names where the folder of real data lies beside the
 * project, else names made up here, the same ones every time; beyond a million always made up. Names that Weir's guard
 * holds (public suffixes, protected names) are left out for everyone, so that all servers block the same names.
 */
import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { loadGuard } from '../src/control-plane/list-sync/guard-files.ts';
import { inventedName } from '../test/support/invented-name.ts';
import { realData } from '../test/support/real-data.ts';

const REAL_NAMES_MAX = 1_000_000;
const PROTECTED = new URL('../blocklists/protected-names.txt', import.meta.url).pathname;
export interface ListData {
  /** Names, not all of them different from what a subtree of another covers. */
  readonly count: number;
  readonly origin: 'real' | 'invented';
  nameAt(index: number): string;
}

/** Reads or makes up `count` names. Errors: rejects when the guard's own file cannot be read. */
export async function listData(count: number): Promise<ListData> {
  if (realData === undefined || count > REAL_NAMES_MAX) return invented(count);
  const text = zstdDecompressSync(readFileSync(`${realData}/fraud-1m.txt.zst`)).toString('latin1');
  const all = text.split('\n').filter((line) => line !== '');
  const outcome = await loadGuard({
    key: 0,
    protected: [PROTECTED],
    popular: [],
    sharedHosts: [],
    listSourceHosts: [],
  });
  if (outcome.kind === 'unreadable') throw new Error(outcome.message);
  const { guard } = outcome;
  const free = all.filter((name) => name.includes('.') && guard.check(name, 'subtree') === undefined);
  // The few names that the guard holds are made up for, so that the list has the size it says.
  const wanted = Math.min(count, free.length);
  const names = Array.from({ length: wanted }, (_, index) => free[Math.floor((index * free.length) / wanted)]!);
  for (let index = 0; names.length < count; index++) names.push(inventedName(index));
  return { count, origin: 'real', nameAt: (index) => names[index]! };
}

function invented(count: number): ListData {
  return { count, origin: 'invented', nameAt: inventedName };
}
