/** Where the recursor's program is: as configured, or `unbound` on the PATH or where Debian puts daemons. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const DAEMON_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin'];

/** Undefined: there is none that may be run. */
export function findRecursor(program: string): string | undefined {
  if (program !== '') return isExecutable(program) ? program : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(':').filter((folder) => folder !== ''), ...DAEMON_FOLDERS];
  return folders.map((folder) => join(folder, 'unbound')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
