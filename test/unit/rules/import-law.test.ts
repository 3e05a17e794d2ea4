/**
 * Who may import whom. The two planes share nothing but the published policy, the counters and a few messages; the pure
 * parts stay pure; each third-party package has one home. src/README.md says why.
 */
import { describe, expect, test } from 'vitest';
import { filesMatching, importsOf, type ImportOf } from '../../support/source-files.ts';

const sources = filesMatching('src/**/*.ts');
const imports = sources.flatMap((file) => importsOf(file));

/** What each part of src may import of ours. `config` by the data plane: types only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'clock.ts': [],
  'memory.ts': [],
  dns: ['dns'],
  policy: ['policy', 'dns'],
  telemetry: ['telemetry', 'policy', 'dns', 'config', 'clock.ts'],
  config: ['config', 'policy', 'dns', 'clock.ts'],
  'data-plane': ['data-plane', 'policy', 'dns', 'telemetry', 'clock.ts', 'config'],
  'control-plane': ['control-plane', 'policy', 'dns', 'telemetry', 'clock.ts', 'memory.ts', 'config'],
};

/** Packages for tests alone. */
const TEST_HOMES: Readonly<Record<string, string>> = {
  'playwright-core': 'test/browser/',
  'axe-core': 'test/browser/',
};

/** Parts that wire the others together. */
const WIRING = ['main.ts', 'supervisor', 'cli'];

/** One third-party package, one home (undici and koffi: two). */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  dns2: ['src/dns/codec.ts'],
  'lru-cache': ['src/data-plane/cache/'],
  undici: ['src/control-plane/list-sync/', 'src/data-plane/upstream/'],
  'prom-client': ['src/telemetry/'],
  pino: ['src/telemetry/'],
  koffi: ['src/data-plane/batch/', 'src/memory.ts'],
  fastify: ['src/control-plane/'],
  'node:sqlite': ['src/control-plane/'],
  yaml: ['src/config/'],
  zod: ['src/config/'],
  tldts: ['src/control-plane/list-sync/'],
  commander: ['src/cli/', 'src/main.ts'],
  'cli-progress': ['src/cli/'],
};

function partOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function show(found: readonly ImportOf[]): string[] {
  return found.map((one) => `${one.from} imports ${one.to}`);
}

describe('the import law', () => {
  test('reads the imports of the sources', () => {
    expect(imports.filter((one) => one.relative).length).toBeGreaterThan(10);
  });

  test('each part imports only the parts below it', () => {
    const forbidden = imports.filter((one) => {
      const part = partOf(one.from);
      if (!one.relative || WIRING.includes(part)) return false;
      return !(MAY_IMPORT[part] ?? []).includes(partOf(one.to));
    });
    expect(show(forbidden)).toEqual([]);
  });

  test('every folder of src is part of the law', () => {
    const parts = new Set(sources.map((file) => partOf(file.path)));
    expect([...parts].filter((part) => !(part in MAY_IMPORT) && !WIRING.includes(part))).toEqual([]);
  });

  test('the data plane knows the types of the configuration and nothing of how it is loaded', () => {
    const loading = imports.filter(
      (one) => partOf(one.from) === 'data-plane' && partOf(one.to) === 'config' && !one.typeOnly,
    );
    expect(show(loading)).toEqual([]);
  });

  test('the supervisor knows of the planes what they say to it, and runs none of their code itself', () => {
    const running = imports.filter(
      (one) =>
        partOf(one.from) === 'supervisor' && ['data-plane', 'control-plane'].includes(partOf(one.to)) && !one.typeOnly,
    );
    expect(show(running)).toEqual([]);
  });

  test('dns and policy are pure: no module of Node, no package but the codec', () => {
    const outside = imports.filter(
      (one) =>
        ['dns', 'policy'].includes(partOf(one.from)) && !one.relative && !(HOMES[one.to] ?? []).includes(one.from),
    );
    expect(show(outside)).toEqual([]);
  });

  test('one third-party package has one home', () => {
    const packages = imports.filter((one) => !one.relative && (!one.to.startsWith('node:') || one.to in HOMES));
    const astray = packages.filter((one) => !(HOMES[one.to] ?? []).some((home) => one.from.startsWith(home)));
    expect(show(astray)).toEqual([]);
  });

  test('a package for tests has one home too', () => {
    const ofTests = ['test/**/*.ts', 'bench/**/*.ts'].flatMap((pattern) => filesMatching(pattern)).flatMap(importsOf);
    const used = [...imports, ...ofTests].filter((one) => one.to in TEST_HOMES);
    expect(new Set(used.map((one) => one.to))).toEqual(new Set(Object.keys(TEST_HOMES)));
    expect(show(used.filter((one) => !one.from.startsWith(TEST_HOMES[one.to]!)))).toEqual([]);
  });

  test('a relative import says its file with .ts', () => {
    expect(show(imports.filter((one) => one.relative && !one.to.endsWith('.ts')))).toEqual([]);
  });

  test('a worker file is named so that it is found compiled too: by the extension of the module that starts it', () => {
    const fixed = sources.filter((file) => /new URL\(\s*['"`][^'"`]*\.ts['"`]/.test(file.code));
    expect(fixed.map((file) => file.path)).toEqual([]);
  });
});
