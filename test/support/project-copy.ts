/**
 * A copy of the project in a folder of its own, as a clone after `npm ci` would be: for tests that build, pack or change
 * files. Only node_modules is shared, by a link.
 */
import { cpSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from './source-files.ts';
import { temporaryFolder } from './temporary-folder.ts';

const COPIED = [
  'bin',
  'blocklists',
  'src',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'docs',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
];

/** Makes the copy; returns its folder. */
export function copyProject(): string {
  const folder = temporaryFolder('copy');
  for (const name of COPIED) {
    if (existsSync(join(PROJECT_ROOT, name))) cpSync(join(PROJECT_ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
