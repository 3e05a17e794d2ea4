/**
 * Folders that a test file needs and nobody needs afterwards: removed when the file's tests are over.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUpAfterFile } from './cleanup.ts';

const folders: string[] = [];

cleanUpAfterFile(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A new, empty folder below the system's folder for temporary files. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `weir-${name}-`));
  folders.push(folder);
  return folder;
}
