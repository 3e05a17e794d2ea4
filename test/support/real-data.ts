/**
 * Where the real data lies, if it is on this machine: a folder beside the project. Tests that use it are skipped without
 * it (`describe.skipIf(realData === undefined)`), and say so in their titles.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** The folder's path, without a slash at its end; undefined where it is absent. */
export const realData: string | undefined = existsSync(folder) ? folder : undefined;

/** For titles of skipped tests. */
export const REAL_DATA_REASON = 'needs the real data beside the project';
