/** What the documents say about the project is so: tables, links, reasons for dependencies, commands that are run. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../../src/config/schema.ts';
import { commandBlocks } from '../../support/readme-commands.ts';
import { documentTables, tableIn } from '../../support/document-tables.ts';
import { filesMatching, PROJECT_ROOT, readProjectFile } from '../../support/source-files.ts';

const readme = readProjectFile('README.md');
const documents = [...filesMatching('*.md'), ...filesMatching('{src,docs,blocklists}/**/*.md')];

/** Without Markdown's escapes, which Prettier adds and takes away. */
function loosely(text: string): string {
  return text.replaceAll('\\', '');
}

describe('the README', () => {
  test('gives a reason for every dependency and names no other', () => {
    const named = [...readme.slice(readme.indexOf('## Dependencies')).matchAll(/^\| ([a-z][a-z0-9-]*) +\|/gm)]
      .map((match) => match[1] ?? '')
      .filter((name) => name !== 'package');
    const manifest: { dependencies: object; optionalDependencies?: object } = JSON.parse(
      readProjectFile('package.json'),
    );
    const installed = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    expect(named.toSorted()).toEqual(installed.toSorted());
  });

  test('says of every block of commands who runs it, or why nobody does', () => {
    const blocks = commandBlocks(readme);
    expect(blocks.length).toBeGreaterThan(8);
    expect(blocks.filter((block) => !/^(install|serve|run|test|not run, because .+)$/.test(block.kind))).toEqual([]);
  });

  test('and the page about the warning page show configurations that the schema accepts', () => {
    const pages = readme + readProjectFile('docs/warning-page.md');
    const examples = [...pages.matchAll(/^```yaml\n([^]*?)^```$/gm)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(configSchema.safeParse(parse(example)).error?.issues).toBeUndefined();
  });

  test('names the version of the package that it installs', () => {
    const manifest: { version: string } = JSON.parse(readProjectFile('package.json'));
    expect(readme).toContain(`weir-dns-${manifest.version}.tgz`);
  });
});

describe('the documents', () => {
  test.each(documentTables())(
    'have the table of $name as the code has it (node test/support/document-tables.ts writes it)',
    ({ name, document, rows }) => {
      const found = tableIn(readProjectFile(document), name);
      expect(found.map((cells) => cells.map(loosely))).toEqual(rows.map((cells) => cells.map(loosely)));
    },
  );

  test('link only to what exists', () => {
    const broken = documents.flatMap((file) =>
      [...file.text.matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => target !== '' && !existsSync(resolve(PROJECT_ROOT, dirname(file.path), target)))
        .map((target) => `${file.path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('link to headings that exist', () => {
    const headings = new Set(
      [...readme.matchAll(/^#+ (.+)$/gm)].map((match) =>
        (match[1] ?? '')
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const targets = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] ?? '');
    expect(targets.filter((target) => !headings.has(target))).toEqual([]);
  });

  test('src/README.md names the files and folders that are there', () => {
    const named = [...readProjectFile('src/README.md').matchAll(/`([a-z-]+(?:\/[a-z-]+)*\/?(?:\.ts)?)`/g)]
      .map((match) => match[1] ?? '')
      .filter((name) => /^[a-z-]+\/[a-z/-]*(\.ts)?$/.test(name));
    const places = ['', 'src', 'src/control-plane', 'src/control-plane/list-sync', 'src/data-plane'];
    const missing = named.filter((name) => !places.some((place) => existsSync(join(PROJECT_ROOT, place, name))));
    expect(named.length).toBeGreaterThan(5);
    expect(missing).toEqual([]);
  });
});
