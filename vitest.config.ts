import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Why: threads and programs that tests start then need half the time, for sources are stripped and compiled but once. */
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'weir-e2e-compile-cache') };
/** Why longer than a second: a thread of the real program may take that to start on a busy machine. */
const expectSettings = { poll: { timeout: 20_000 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'main',
          include: ['test/{unit,conformance,fuzz,e2e}/**/*.test.ts'],
          env,
          expect: expectSettings,
          testTimeout: 30_000,
          // Why not by the processors: the tests of the real process wait more than they compute.
          maxWorkers: 3,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          env,
          expect: expectSettings,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          env,
          expect: expectSettings,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
