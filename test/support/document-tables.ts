/**
 * The tables of the documents that the code knows better: configuration keys, metrics, list formats. Run as a program, it
 * writes them between their marks; a rule test compares them with what stands there.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { CONFIG_KEYS_TABLE } from '../../src/config/config-keys.ts';
import { FORMATS } from '../../src/control-plane/list-sync/format/formats.ts';
import { METRICS_TABLE } from '../../src/telemetry/metric-definitions.ts';
import { PROJECT_ROOT, readProjectFile } from './source-files.ts';

export type Cells = readonly string[];

export interface DocumentTable {
  /** Of its mark. */
  readonly name: string;
  readonly document: string;
  /** Header first, every cell as Markdown. */
  readonly rows: readonly Cells[];
}

export function documentTables(): DocumentTable[] {
  return [
    {
      name: 'config',
      document: 'docs/configuration.md',
      rows: [
        ['key', 'default', 'meaning'],
        ...CONFIG_KEYS_TABLE().map((row) => [`\`${row.key}\``, defaultCell(row.default), escaped(row.description)]),
      ],
    },
    {
      name: 'metrics',
      document: 'docs/metrics.md',
      rows: [
        ['metric', 'type', 'labels', 'meaning'],
        ...METRICS_TABLE().map((row) => [
          `\`${row.name}\``,
          row.type,
          row.labels.map((label) => `\`${label}\``).join(', '),
          escaped(row.help),
        ]),
      ],
    },
    {
      name: 'formats',
      document: 'README.md',
      rows: [['format', 'what it is'], ...FORMATS.map((one) => [`\`${one.name}\``, escaped(one.description)])],
    },
  ];
}

/** The cells of the Markdown table between the marks of `name`, spaces around them gone. Empty where there is none. */
export function tableIn(markdown: string, name: string): Cells[] {
  return (bodyOf(markdown, name) ?? '')
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+$/.test(line))
    .map((line) => line.slice(1, line.lastIndexOf('|')).split(/(?<!\\)\|/))
    .map((cells) => cells.map((cell) => cell.trim()));
}

function bodyOf(markdown: string, name: string): string | undefined {
  return new RegExp(`<!-- table: ${name} -->([^]*?)<!-- /table -->`).exec(markdown)?.[1];
}

function defaultCell(text: string): string {
  return text === 'required' ? text : `\`${text.replaceAll('|', '\\|')}\``;
}

/** Text as Prettier leaves it in a cell: nothing in it starts emphasis, a table column or an HTML tag. */
function escaped(text: string): string {
  return text.replaceAll(/[|<*_]/g, '\\$&');
}

async function write({ name, document, rows }: DocumentTable): Promise<void> {
  const markdown = readProjectFile(document);
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  lines.splice(1, 0, `|${' --- |'.repeat(rows[0]?.length ?? 0)}`);
  const body = bodyOf(markdown, name);
  if (body === undefined) throw new Error(`${document} has no mark "table: ${name}"`);
  const [before = '', after = ''] = markdown.split(`<!-- table: ${name} -->${body}`);
  const text = `${before}<!-- table: ${name} -->\n\n${lines.join('\n')}\n\n${after}`;
  const file = join(PROJECT_ROOT, document);
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}

if (import.meta.main) for (const table of documentTables()) await write(table);
