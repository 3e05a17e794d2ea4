/** What the project installs: exactly pinned, reachable through any registry, used, and run only where it must be. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { filesMatching, importsOf, readProjectFile } from '../../support/source-files.ts';

const versions = z.record(z.string(), z.string());
const manifest = z
  .object({
    dependencies: versions,
    devDependencies: versions,
    optionalDependencies: versions.default({}),
    allowScripts: z.record(z.string(), z.boolean()),
    files: z.array(z.string()),
    scripts: versions,
  })
  .parse(JSON.parse(readProjectFile('package.json')));
const lockText = readProjectFile('package-lock.json');
const lock = z
  .object({
    packages: z.record(
      z.string(),
      z.object({
        dependencies: versions.default({}),
        optionalDependencies: versions.default({}),
        integrity: z.string().optional(),
        hasInstallScript: z.boolean().default(false),
      }),
    ),
  })
  .parse(JSON.parse(lockText));

describe('packages', () => {
  test('every version is pinned exactly', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('the lock file names no registry, so that it installs through any', () => {
    expect(lockText.includes('"resolved"')).toBe(false);
    expect(lockText).not.toMatch(/https?:\/\/[^"]*\.tgz/);
  });

  test('the lock file holds a checksum for every package', () => {
    const unchecked = Object.entries(lock.packages).filter(([path, one]) => path !== '' && one.integrity === undefined);
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });

  test('the lock file holds the package of every platform, or npm ci refuses it', () => {
    const missing = Object.values(lock.packages)
      .flatMap((one) => Object.keys(one.optionalDependencies))
      .filter((name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)));
    expect(missing).toEqual([]);
  });

  test('an install script runs only where it is allowed by name', () => {
    const withScript = Object.entries(lock.packages)
      .filter(([, one]) => one.hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    // Why: fsevents is for macOS alone, comes by way of the test runner, and works without its script.
    const allowed = Object.keys(manifest.allowScripts);
    expect(withScript.filter((name) => name !== 'fsevents').toSorted()).toEqual(allowed.toSorted());
  });

  test('what the sources import is installed with the package, and what is installed is imported', () => {
    const imported = new Set(
      filesMatching('src/**/*.ts')
        .flatMap((file) => importsOf(file))
        .filter((one) => !one.relative && !one.to.startsWith('node:'))
        .map((one) => one.to),
    );
    const installed = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    expect([...imported].toSorted()).toEqual(installed.toSorted());
  });

  test('the Node that scripts run on is within engines', () => {
    const [major = 0, minor = 0] = (manifest.devDependencies['node'] ?? '').split('.').map(Number);
    expect(major > 24 || (major === 24 && minor >= 12)).toBe(true);
  });
});
