/** How long the tests of test/chaos go on: WEIR_CHAOS=long for all of it, else a form that takes a few minutes. */
export const isLong = process.env['WEIR_CHAOS'] === 'long';

export function scaled<T>({ short, long }: { readonly short: T; readonly long: T }): T {
  return isLong ? long : short;
}
