/**
 * Makes docs/real-lists.md: what Weir makes of real published lists. Run by hand where the folder of real data lies
 * beside the project: `npx node bench/real-lists.ts`. Times are of one run on one machine and say so.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join, relative } from 'node:path';
import { monotonicMs } from '../src/clock.ts';
import { compileBase } from '../src/control-plane/list-sync/compiler.ts';
import { normaliseName } from '../src/control-plane/list-sync/format/normalise-name.ts';
import { readListFile } from '../src/control-plane/list-sync/format/read-list-file.ts';
import { readNames } from '../src/control-plane/list-sync/format/read-names.ts';
import type { ReadOutcome } from '../src/control-plane/list-sync/format/read-report.ts';
import { createGuard } from '../src/control-plane/list-sync/guard/create-guard.ts';
import type { Guard } from '../src/control-plane/list-sync/guard/guard.ts';
import { HoldsReport, type HoldsSummary } from '../src/control-plane/list-sync/guard/holds-report.ts';
import { SegmentWriter } from '../src/control-plane/list-sync/list-segment.ts';
import { realData } from '../test/support/real-data.ts';

const SETTINGS = { name: 'list', category: 'fraud', mode: 'enforce', action: 'sinkhole' } as const;
const RUNS = 3;
const DOCUMENT = new URL('../docs/real-lists.md', import.meta.url);
const PROTECTED = new URL('../blocklists/protected-names.txt', import.meta.url).pathname;

interface Loaded {
  readonly outcome: ReadOutcome;
  readonly holds: HoldsSummary;
  readonly readMs: number;
  readonly compileMs: number;
  readonly namesInIndex: number;
  readonly indexBytes: number;
}

/** Reads, guards, writes the segment and compiles it alone: the way of a list at a start. The best of RUNS. */
async function load(file: string, guard: Guard): Promise<Loaded> {
  let best = await loadOnce(file, guard);
  for (let run = 1; run < RUNS; run++) {
    const next = await loadOnce(file, guard);
    if (next.readMs + next.compileMs < best.readMs + best.compileMs) best = next;
  }
  return best;
}

async function loadOnce(file: string, guard: Guard): Promise<Loaded> {
  const writer = new SegmentWriter();
  const report = new HoldsReport(guard);
  const held: number[] = [];
  const start = monotonicMs();
  const outcome = await readListFile(
    file,
    { format: 'auto', badLinesPercentMax: 10, isSharedHost: (name) => guard.isSharedHost(name) },
    {
      entry(entry, lineNumber) {
        if (report.look(entry, lineNumber)) held.push(writer.entryCount);
        writer.add(entry);
      },
    },
  );
  const read = monotonicMs();
  const list = {
    settings: SETTINGS,
    segment: { kind: 'memory' as const, payload: writer.payload() },
    held: Uint32Array.from(held),
    entries: writer.entryCount,
    nameBytes: writer.nameBytes,
  };
  const { base } = compileBase(
    { seed: 1, lists: [list], allow: [] },
    { take: (bytes) => new SharedArrayBuffer(bytes) },
  );
  return {
    outcome,
    holds: report.summary(),
    readMs: read - start,
    compileMs: monotonicMs() - read,
    namesInIndex: base.entryCount,
    indexBytes: base.table.byteLength + base.names.byteLength + base.rules.byteLength,
  };
}

function row(name: string, loaded: Loaded): string {
  const { outcome, holds } = loaded;
  const report = outcome.report;
  const cells = [
    name,
    report?.format ?? '',
    number(report?.entries ?? 0),
    number(report?.exceptions ?? 0),
    counts(report?.skippedByReason ?? {}),
    outcome.kind === 'refused' ? `refused: ${outcome.code}` : counts(holds.byGuard),
    (loaded.readMs + loaded.compileMs).toFixed(0),
    loaded.namesInIndex === 0 ? '' : (loaded.indexBytes / loaded.namesInIndex).toFixed(1),
  ];
  return `| ${cells.join(' | ')} |`;
}

function counts(record: Readonly<Record<string, number | undefined>>): string {
  return Object.entries(record)
    .map(([key, count]) => `${key} ${number(count ?? 0)}`)
    .join(', ');
}

function number(value: number): string {
  return value.toLocaleString('en');
}

const SECTIONS: Readonly<Record<string, readonly [what: string, column: number]>> = {
  1: ['popular names, listed', 1],
  2: ['popular names, hosts of reported URLs', 1],
  3: ['public suffixes', 0],
  4: ['hosting, shortener and cloud platforms', 0],
  5: ['URL shorteners', 0],
  6: ['dynamic DNS zones', 0],
  7: ['names in use in China', 1],
  8: ['ancestors of popular names', 2],
  9: ['hosting suffixes with most fraud below', 0],
};

function hazards(data: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let section = '';
  for (const line of readFileSync(join(data, 'hazards.txt'), 'utf8').split('\n')) {
    section = /^# SECTION (\d)/.exec(line)?.[1] ?? section;
    const column = SECTIONS[section]?.[1];
    if (line === '' || line.startsWith('#') || column === undefined) continue;
    const result = normaliseName(line.split('\t')[column] ?? '');
    if (result.kind === 'name') sections.set(section, [...(sections.get(section) ?? []), result.name]);
  }
  return sections;
}

function hazardRows(data: string, popular: readonly string[], protectedNames: readonly string[]): string[] {
  const sections = hazards(data);
  const shared = [...(sections.get('5') ?? []), ...(sections.get('6') ?? [])];
  const guards = [
    createGuard({ protectedNames: [], popularNames: popular, sharedHosts: [], approved: [] }),
    createGuard({ protectedNames, popularNames: [], sharedHosts: [], approved: [] }),
    createGuard({ protectedNames, popularNames: popular, sharedHosts: shared, approved: [] }),
  ];
  return [...sections].map(([section, names]) => {
    const distinct = [...new Set(names)];
    const held = guards.map((guard) => distinct.filter((name) => guard.check(name, 'subtree') !== undefined).length);
    return `| ${section} | ${SECTIONS[section]?.[0]} | ${number(distinct.length)} | ${held.map(number).join(' | ')} |`;
  });
}

async function namesOf(path: string): Promise<readonly string[]> {
  const outcome = await readNames(path);
  if (outcome.kind === 'refused') throw new Error(`${path}: ${outcome.message}`);
  return outcome.names;
}

async function main(data: string): Promise<void> {
  const popular = await namesOf(join(data, 'popular-100k.txt'));
  const protectedNames = await namesOf(PROTECTED);
  const guard = createGuard({ protectedNames, popularNames: popular, sharedHosts: [], approved: [] });
  const files = globSync('lists/**/*', { cwd: data, withFileTypes: true })
    .filter((file) => file.isFile() && !file.name.startsWith('LICENSE'))
    .map((file) => join(file.parentPath, file.name))
    .sort();
  const rows: string[] = [];
  for (const file of files) rows.push(row(relative(join(data, 'lists'), file), await load(file, guard)));
  const million = await load(join(data, 'fraud-1m.txt.zst'), guard);
  rows.push(row('a million names (zstd)', million));
  writeFileSync(
    DOCUMENT,
    `# Real lists

Made by \`npx node bench/real-lists.ts\` from a folder of published lists beside the project; times are the best of ${RUNS}
runs on ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}. Load time is the whole way from the file to the index: read,
decompress, parse, normalise, guard, segment, compile. "Held" is what the guard keeps back, with the bundled protected
names and a rank list of ${number(popular.length)} popular names. Bytes a name are those of the index with that list alone in it: hash
table, names and rules. Subtree is the scope of every entry but those of an RPZ zone that say otherwise.

| list | format | entries | exceptions | skipped | held | load ms | bytes a name |
| ---- | ------ | ------: | ---------: | ------- | ---- | ------: | -----------: |
${rows.join('\n')}

The million names: ${(million.readMs / 1000).toFixed(2)} s to read, normalise, guard and write the segment, ${(million.compileMs / 1000).toFixed(2)} s to compile.

A list that came out as a generator's fault (\`$0/\` on every line) is refused; one of forwarding rules (\`server=/name/address\`) blocks
nothing, and says so.

## Hazards

Names that real fraud lists contain and that one careless entry must not block; how many of them are held, and by what.
Section 4 and 9 lack one name, which is neither popular nor a suffix; it is held where the operator names it in
\`sharedHosts\`. Section 7 is names that are in use and also reported: whether they block is the list's decision.

| section | what | names | with the rank list | with the bundled names | with both and sections 5 and 6 as \`sharedHosts\` |
| ------- | ---- | ----: | -----------------: | ---------------------: | ----------------------------------------------: |
${hazardRows(data, popular, protectedNames).join('\n')}
`,
  );
}

if (realData === undefined) {
  process.stderr.write('The folder of real data is not beside the project; nothing was measured.\n');
  process.exitCode = 1;
} else {
  await main(realData);
}
