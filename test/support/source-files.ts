/**
 * The project's own files as the rule tests see them: what there is, what it says without its comments, and what it
 * imports. Reading by pattern, not by parsing: the rules need names of modules, not types.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT_ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked out; line numbers stay. */
  readonly code: string;
}

export interface ImportOf {
  /** Importing file, from the project's root. */
  readonly from: string;
  /** A path from the project's root for a relative import, else the package (or `node:` module) name. */
  readonly to: string;
  readonly relative: boolean;
  readonly typeOnly: boolean;
}

/** Files below the project's root that match a glob pattern, in order of path. */
export function filesMatching(pattern: string): SourceFile[] {
  return globSync(pattern, { cwd: PROJECT_ROOT })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/'))
    .toSorted()
    .map((path) => {
      const text = readProjectFile(path);
      return { path, text, code: withoutComments(text) };
    });
}

/** A file of the project as text. Errors: throws where there is none. */
export function readProjectFile(path: string): string {
  return readFileSync(join(PROJECT_ROOT, path), 'utf8');
}

/** Every static, dynamic and re-exporting import of a file. */
export function importsOf(file: SourceFile): ImportOf[] {
  const pattern =
    /(?:^|[;\n}])\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  const imports: ImportOf[] = [];
  for (const match of file.code.matchAll(pattern)) {
    const specifier = match[2] ?? match[3];
    if (specifier === undefined) continue;
    const isRelative = specifier.startsWith('.');
    imports.push({
      from: file.path,
      to: isRelative ? posix.join(posix.dirname(file.path), specifier) : packageName(specifier),
      relative: isRelative,
      typeOnly: match[1] !== undefined,
    });
  }
  return imports;
}

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

/** Blanks comments, leaving strings, templates and regular expressions as they are well enough for pattern search. */
function withoutComments(text: string): string {
  const token =
    /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[^]*?\*\/|(?<![:\\/\w)\]])\/\/[^\n]*|(?<=[;,{})\s])\/\/[^\n]*/g;
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found));
}
