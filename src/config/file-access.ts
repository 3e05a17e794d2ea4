/** Says in words why a file of the configuration cannot be read. */
import { accessSync, constants, statSync } from 'node:fs';

/** The words for a failed read, e.g. 'no such file'. */
export function describeReadError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'not a text file in UTF-8';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Why `file` cannot be read as a file, or undefined if it can. */
export function readProblem(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isFile() ? undefined : `${file} is not a regular file`;
  } catch (error) {
    return `cannot read ${file}: ${describeReadError(error)}`;
  }
}
