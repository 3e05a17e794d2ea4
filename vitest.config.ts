import { globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Why: threads and programs that tests start then need half the time, for sources are stripped and compiled but once. */
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'weir-e2e-compile-cache') };
/** Why longer than a second: a thread of the real program may take that to start on a busy machine. */
const expectSettings = { poll: { timeout: 20_000 } };
const setupFiles = ['test/support/setup.ts'];

/**
 * Files that need a process of their own, because they replace modules, change Node's flags, or start the real program.
 * Why all others share theirs: without that, half of their CPU goes into starting processes and loading the same modules.
 */
const apart = globSync('test/{unit,conformance,fuzz,e2e}/**/*.test.ts', { cwd: import.meta.dirname }).filter(
  (file) =>
    file.startsWith('test/e2e/') ||
    /\bvi\.(do)?mock\(|setFlagsFromString/i.test(readFileSync(join(import.meta.dirname, file), 'utf8')),
);
const main = {
  env,
  setupFiles,
  expect: expectSettings,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Why not by the processors: the tests of the real process wait more than they compute.
  maxWorkers: 3,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...main,
          name: 'main',
          include: ['test/{unit,conformance,fuzz}/**/*.test.ts'],
          exclude: apart,
          isolate: false,
        },
      },
      { test: { ...main, name: 'apart', include: apart } },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          env,
          setupFiles,
          expect: expectSettings,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts', 'test/unit/control-plane/ledger/killed-writer.test.ts'],
          env: { ...env, WEIR_TEST_KILLS: process.env['WEIR_CHAOS'] === 'long' ? '500' : '200' },
          setupFiles,
          expect: expectSettings,
          testTimeout: 600_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          env,
          setupFiles,
          expect: expectSettings,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
