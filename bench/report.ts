/**
 * `npm run bench:report [FILE...]`: fills the tables of docs/performance.md, docs/lists.md and the README from
 * bench/results, between their markers.
 * Of a case that was run several times the newest figures count; the text around the tables is people's.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { multipleLines } from './multiples.ts';
import { readResults, type Results, type Row } from './results.ts';
import { gridOf } from './table.ts';
import { targetLines } from './targets.ts';

const DOCUMENT = new URL('../docs/performance.md', import.meta.url).pathname;
const README = new URL('../README.md', import.meta.url).pathname;
const LISTS = new URL('../docs/lists.md', import.meta.url).pathname;
const GIB = 1024 ** 3;
/** Of queries, measured with every server. */
const QUERY_CASES = ['blocked', 'cached', 'mixed', 'forwarded'];
/** Whose rows are medians over all rounds of the run. */
const ROUND_CASES = [...QUERY_CASES, 'ports', 'lists'];
const ALL_CASES = [...QUERY_CASES, 'ports', 'start', 'sizes', 'lists', 'threads', 'reload', 'encrypted'];

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '--:'))), ...lines.map(line)].join('\n');
}

/** Nothing where a run did not note it. */
function queueText(bytes = 0): string[] {
  return bytes === 0 ? [] : [`a UDP socket's queue holds ${bytes / 1024} KiB unless a server asks for more`];
}

/** Where a table has medians over rounds; the others say beside them what they are of. */
function roundsText({ rounds, seconds }: Results['options'], names: readonly string[]): string[] {
  const text = `${rounds} ${rounds === 1 ? 'round' : 'rounds'}`;
  if (names.some((name) => ROUND_CASES.includes(name))) return [`${text} of ${seconds} s`];
  return names.includes('start') ? [`${text} of starts`] : [];
}

/** Of one run, and which of the tables are its. */
function runText({ machine, list, options, startedAt }: Results, names: readonly string[]): string {
  const facts = [
    `${machine.processor}, ${machine.cores} processors, ${(machine.memoryBytes / GIB).toFixed(0)} GiB`,
    `${machine.system}, Linux ${machine.kernel}, Node ${machine.node}`,
    `Weir at ${machine.commit}`,
    ...roundsText(options, names),
    ...queueText(machine.receiveBufferDefaultBytes),
    `${list.origin} names`,
    `load of the machine before ${machine.loadBefore.toFixed(2)}`,
  ];
  return `- **${names.join(', ')}** (${startedAt.slice(0, 10)}): ${facts.join('; ')}`;
}

function runsText(runOf: ReadonlyMap<string, Results>): string {
  const runs = [...new Set(runOf.values())].sort((one, other) => one.startedAt.localeCompare(other.startedAt));
  const namesOf = (run: Results): string[] => [...runOf].filter(([, its]) => its === run).map(([name]) => name);
  return runs.map((run) => runText(run, namesOf(run))).join('\n');
}

/** Every server of the runs shown (oldest first), and every version of it that was measured, as it was configured last. */
function serversText(runs: readonly Results[]): string {
  const lines = new Map<string, string[]>();
  for (const { servers, rows } of runs) {
    for (const [name, { version, configuration }] of Object.entries(servers)) {
      if (!rows.some(({ server }) => server === name)) continue;
      lines.set(`${name} ${version}`, [name, version, configuration]);
    }
  }
  return markdown(
    ['server', 'version', 'configuration'],
    [...lines.values()].toSorted(([a = ''], [b = '']) => a.localeCompare(b)),
  );
}

function fill(text: string, name: string, content: string): string {
  const pattern = new RegExp(`(<!-- bench: ${name} -->)[^]*?(<!-- /bench -->)`);
  if (!pattern.test(text)) throw new Error(`there is no place for "${name}"`);
  return text.replace(pattern, (_, begin: string, end: string) => `${begin}\n\n${content}\n\n${end}`);
}

const results = readResults(process.argv.slice(2));
if (results.length === 0) throw new Error('there are no results in bench/results: npm run bench');
/** The newest run of each case that was run. */
const runOf = new Map(
  [...ALL_CASES, 'push'].flatMap((name) => {
    const run = results.findLast(({ rows }) => rows.some((row) => row.case === name));
    return run === undefined ? [] : [[name, run] as const];
  }),
);
const rowsOf = (name: string): readonly Row[] => runOf.get(name)?.rows.filter((row) => row.case === name) ?? [];

async function write(path: string, text: string): Promise<void> {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), parser: 'markdown' }));
}

const targets = targetLines([...runOf.keys()].flatMap(rowsOf));
const targetTable = markdown(
  ['what', 'target', 'measured'],
  targets.map(({ what, target, measured }) => [what, target, measured]),
);
function caseTable(name: string): string {
  const { head, lines } = gridOf(rowsOf(name));
  return lines.length === 0 ? 'Not measured yet.' : markdown(head, lines);
}

let text = readFileSync(DOCUMENT, 'utf8');
text = fill(text, 'runs', runsText(runOf));
text = fill(text, 'servers', serversText(results.filter((run) => [...runOf.values()].includes(run))));
text = fill(text, 'targets', targetTable);
text = fill(
  text,
  'multiples',
  markdown(['server', ...QUERY_CASES], multipleLines(QUERY_CASES.flatMap(rowsOf), QUERY_CASES)),
);
for (const name of ALL_CASES) text = fill(text, name, caseTable(name));
await write(DOCUMENT, text);
await write(README, fill(readFileSync(README, 'utf8'), 'targets', targetTable));
await write(LISTS, fill(readFileSync(LISTS, 'utf8'), 'push', caseTable('push')));
process.stdout.write(`filled docs/performance.md, docs/lists.md and README.md from ${results.length} run(s)
`);
