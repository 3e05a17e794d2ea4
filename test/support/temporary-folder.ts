/**
 * Folders that a test file needs and nobody needs afterwards: removed when the file's tests are over. Importing this
 * registers the removal, so only test files and what they import may do so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folders: string[] = [];

// Why here: hooks run last in, first out, and an import comes before every hook of the file. What the file's own hooks
// stop has stopped by then.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new, empty folder below the system's folder for temporary files. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `weir-${name}-`));
  folders.push(folder);
  return folder;
}
