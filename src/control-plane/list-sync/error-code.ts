/** The code of an error of Node or undici (ENOENT, UND_ERR_...), else its name; '' for what is no error. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
