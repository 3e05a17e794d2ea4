/** Names that look like those of real fraud lists, the same ones every time: for lists of any size, in tests and benchmarks. */

const WORDS = [
  'pay',
  'login',
  'secure',
  'shop',
  'wallet',
  'bonus',
  'bank',
  'post',
  'track',
  'prize',
  'invest',
  'claim',
];
const ENDINGS = ['com', 'top', 'xyz', 'shop', 'net', 'online', 'info', 'cc'];

/** 13 to 30 characters like the real ones; a number in base 36, spread so that neighbours differ, makes it unique. */
export function inventedName(index: number): string {
  const spread = Math.imul(index, 0x9e37_79b1) >>> 0;
  const word = WORDS[spread % WORDS.length]!;
  const second = index % 3 === 0 ? `-${WORDS[(spread >>> 8) % WORDS.length]!}` : '';
  const below = index % 4 === 0 ? 'm.' : '';
  return `${below}${word}${second}${spread.toString(36)}.${ENDINGS[(spread >>> 16) % ENDINGS.length]!}`;
}
