/** The second start of the real process: with the compiled index of the first, and with what may have become of it. */
import { existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ask, closeClients } from '../support/dns-client.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
});

const SINKHOLE = '192.0.2.53';
const NAMES = Array.from({ length: 80_000 }, (_, index) => `listed-${index}.example`);
const config = {
  lists: [
    { name: 'large', source: 'large.txt' },
    { name: 'small', source: 'small.txt' },
  ],
};
const indexOf = (weir: WeirProcess): string => join(weir.folder, 'state', 'lists', 'compiled.index');

async function firstRun(): Promise<WeirProcess> {
  const files = { 'large.txt': NAMES.join('\n'), 'small.txt': 'small.example\n' };
  const weir = await startWeirProcess({ files, config });
  await until(
    () => existsSync(indexOf(weir)),
    (there) => there,
    'the compiled index',
  );
  await weir.stop();
  return weir;
}

async function addressOf(weir: WeirProcess, name: string): Promise<string | undefined> {
  return (await ask({ port: weir.port }, name)).answers.at(-1)?.data;
}

const says = (weir: WeirProcess, part: string): boolean => weir.logs().some(({ msg }) => msg.includes(part));

test('a restart has the compiled index in force, and follows the lists from there', async () => {
  const { folder } = await firstRun();
  const weir = await startWeirProcess({ folder, config });
  expect(says(weir, 'the compiled index on disk is used')).toBe(true);
  expect(await addressOf(weir, 'www.listed-79999.example')).toBe(SINKHOLE);
  expect(await addressOf(weir, 'small.example')).toBe(SINKHOLE);
  expect(await weir.metric('weir_list_entries', 'list="large"')).toBe(NAMES.length);
  expect(await weir.metric('weir_list_version_info', 'list="large"', 'version="1"')).toBe(1);
  weir.write('large.txt', [...NAMES, 'later.example'].join('\n'));
  await weir.untilMetric((version) => version === 1, 'weir_list_version_info', 'list="large"', 'version="2"');
  expect(await addressOf(weir, 'later.example')).toBe(SINKHOLE);
  expect(await addressOf(weir, 'small.example')).toBe(SINKHOLE);
  expect(weir.logs().filter(({ level }) => level === 'error')).toEqual([]);
});

test('a list that has changed meanwhile is what it is now', async () => {
  const { folder } = await firstRun();
  writeFileSync(join(folder, 'small.txt'), 'other.example\n');
  const weir = await startWeirProcess({ folder, config });
  expect(await addressOf(weir, 'other.example')).toBe(SINKHOLE);
  expect(await addressOf(weir, 'listed-0.example')).toBe(SINKHOLE);
  expect(await weir.metric('weir_list_version_info', 'list="small"', 'version="2"')).toBe(1);
});

test('a compiled index that is cut short is not used, and is there again for the next start', async () => {
  const first = await firstRun();
  const { folder } = first;
  truncateSync(indexOf(first), statSync(indexOf(first)).size - 1000);
  const damaged = statSync(indexOf(first)).ino;
  const weir = await startWeirProcess({ folder, config });
  expect(says(weir, 'the lists are compiled again')).toBe(true);
  expect(await addressOf(weir, 'listed-0.example')).toBe(SINKHOLE);
  await until(
    () => statSync(indexOf(weir)).ino,
    (inode) => inode !== damaged,
    'a new compiled index',
  );
  await weir.stop();
  const third = await startWeirProcess({ folder, config });
  expect(says(third, 'the compiled index on disk is used')).toBe(true);
});
