/** How files look: size, names, headers, exports, and the one file that reads time. CONTRIBUTING.md says why. */
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesMatching } from '../../support/source-files.ts';

const FILE_LINES_MAX = 400;
const DRAWERS = /^(utils?|helpers?|common|misc|shared|lib|stuff)$/;

const sources = filesMatching('src/**/*.ts');
const tests = filesMatching('test/**/*.ts');
const ours = [...sources, ...tests, ...filesMatching('bench/**/*.ts')];

describe('the shape of files', () => {
  test(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
    const long = ours.map((file) => ({ path: file.path, lines: file.text.trimEnd().split('\n').length }));
    expect(long.filter((file) => file.lines > FILE_LINES_MAX)).toEqual([]);
  });

  test('names are kebab-case', () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*((\.property)?\.(test|bench))?\.ts$/;
    expect(ours.map((file) => file.path).filter((path) => !kebab.test(basename(path)))).toEqual([]);
  });

  test('there are no drawers', () => {
    const drawers = ours.filter((file) =>
      file.path.split('/').some((part) => DRAWERS.test(part.replace(/(\.test)?\.ts$/, ''))),
    );
    expect(drawers.map((file) => file.path)).toEqual([]);
  });

  test('a module begins with a comment that says what it is', () => {
    expect(sources.filter((file) => !/^(#!.*\n)?\/\*\*/.test(file.text)).map((file) => file.path)).toEqual([]);
  });

  test('a module does not only pass on what others export', () => {
    const barrels = sources.filter(
      (file) =>
        /^export (\*|\{[^}]*\}) from /m.test(file.code) &&
        !/^(export )?(const|function|class|interface|type|async) /m.test(file.code),
    );
    expect(barrels.map((file) => file.path)).toEqual([]);
  });

  test('exports are named', () => {
    expect(sources.filter((file) => /^export default\b/m.test(file.code)).map((file) => file.path)).toEqual([]);
  });

  test('only clock.ts reads time', () => {
    const reads = /\bDate\.now\(|\bperformance\.now\(|\bnew Date\(\s*\)|\bhrtime\b/;
    const readers = sources.filter((file) => reads.test(file.code)).map((file) => file.path);
    expect(readers).toEqual(['src/clock.ts']);
  });

  test('no test waits for time to pass as a way to be in step', () => {
    const sleeping = tests.filter((file) =>
      /\bsetTimeout\b[^}]*\} from ['"](node:)?timers\/promises['"]/.test(file.code),
    );
    expect(sleeping.map((file) => file.path)).toEqual([]);
  });

  test('no test names a fixed port', () => {
    const fixed = tests.filter((file) => /\.(listen|bind)\(\s*[1-9]\d*\b/.test(file.code));
    expect(fixed.map((file) => file.path)).toEqual([]);
  });

  test('folders of test/unit are folders of src, but for the rules and the benchmark’s own', () => {
    const folders = new Set(
      filesMatching('test/unit/**/*.test.ts')
        .map((file) => file.path.replace(/^test\/unit\//, '').replace(/\/?[^/]*$/, ''))
        .filter((folder) => !['', 'rules', 'bench'].includes(folder)),
    );
    const sourceFolders = new Set(sources.map((file) => file.path.replace(/^src\//, '').replace(/\/?[^/]*$/, '')));
    const parents = [...sourceFolders].flatMap((folder) =>
      folder.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/')),
    );
    expect([...folders].filter((folder) => !parents.includes(folder))).toEqual([]);
  });
});
