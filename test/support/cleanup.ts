/**
 * What the tools of tests do when a test or a file of tests is over. Why not by vitest's hooks: a tool that many files
 * share is imported once for all of them, and a hook that it registers then belongs to the first file alone.
 */
import { afterAll, afterEach } from 'vitest';

type Cleanup = () => unknown;

const afterTest: Cleanup[] = [];
const afterFile: Cleanup[] = [];

/** For a tool, when it is imported: what is done after each test, when the test file's own hooks have run. */
export function cleanUpAfterTest(cleanup: Cleanup): void {
  afterTest.push(cleanup);
}

/** For a tool, when it is imported: what is done at the end of each test file, when the file's own hooks have run. */
export function cleanUpAfterFile(cleanup: Cleanup): void {
  afterFile.push(cleanup);
}

/** For vitest's setup alone, which runs anew for every test file. */
export function registerCleanups(): void {
  afterEach(() => runAll(afterTest));
  afterAll(() => runAll(afterFile));
}

async function runAll(cleanups: readonly Cleanup[]): Promise<void> {
  for (const cleanup of cleanups) await cleanup();
}
