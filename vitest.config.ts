import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'main',
          include: ['test/{unit,conformance,fuzz,e2e}/**/*.test.ts'],
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
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
