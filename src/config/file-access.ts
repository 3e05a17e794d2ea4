/** Reads small files that the configuration names, and says in words why one cannot be read. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';

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

/** The text of a small file, octet for octet (latin1). */
export function readSmallFile(
  file: string,
  bytesMax: number,
): { readonly kind: 'ok'; readonly text: string } | { readonly kind: 'bad'; readonly message: string } {
  // Why before: the read of a pipe waits for ever, and that of a device has no end.
  const problem = readProblem(file);
  if (problem !== undefined) return { kind: 'bad', message: problem };
  try {
    if (statSync(file).size > bytesMax) return { kind: 'bad', message: `larger than ${bytesMax} bytes` };
    return { kind: 'ok', text: readFileSync(file, 'latin1') };
  } catch (error) {
    return { kind: 'bad', message: `cannot read ${file}: ${describeReadError(error)}` };
  }
}
