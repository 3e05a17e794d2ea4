/** What tells one state of a file from another without reading it: inode, size, times of change. */
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Why the time of change as well: a copy over the file may keep the time of modification, nothing keeps that. */
export function identityOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino}-${size}-${mtimeNs}-${ctimeNs}`;
}

/** "missing" where there is no such file, or none that can be seen. */
export async function fileIdentity(path: string): Promise<string> {
  try {
    return identityOf(await stat(path, { bigint: true }));
  } catch {
    return 'missing';
  }
}
