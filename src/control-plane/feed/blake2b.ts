/**
 * BLAKE2b with a digest of any length, for the checksum in minisign's secret key files, which has 32 octets: a shorter
 * digest is a different function, not the beginning of a longer one, and node:crypto has only the one of 64 octets.
 * Not for large inputs or hot paths: it counts in BigInt. RFC 7693.
 */

const BLOCK_BYTES = 128;
const MASK = 0xffff_ffff_ffff_ffffn;
/** Source: RFC 7693 section 2.6. */
const IV: readonly bigint[] = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];
/** Source: RFC 7693 section 2.7; rounds 10 and 11 are 0 and 1 again. */
const SIGMA: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const ROUNDS = 12;
/** The words that each of the eight mixings of a round works on. */
const MIXINGS: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

/** The unkeyed digest of `input`. Units: `digestBytes` is 1..64. */
export function blake2b(input: Uint8Array, digestBytes: number): Uint8Array {
  const state = [...IV];
  state[0] = state[0]! ^ 0x01010000n ^ BigInt(digestBytes);
  const blocks = Math.max(1, Math.ceil(input.length / BLOCK_BYTES));
  for (let index = 0; index < blocks; index += 1) {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(input.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES));
    const isLast = index === blocks - 1;
    compress(state, block, BigInt(isLast ? input.length : (index + 1) * BLOCK_BYTES), isLast);
  }
  const digest = new DataView(new ArrayBuffer(64));
  for (const [index, word] of state.entries()) digest.setBigUint64(index * 8, word, true);
  return new Uint8Array(digest.buffer, 0, digestBytes);
}

function compress(state: bigint[], block: Uint8Array, bytesSoFar: bigint, isLast: boolean): void {
  const view = new DataView(block.buffer);
  const message = Array.from({ length: 16 }, (_, index) => view.getBigUint64(index * 8, true));
  const words = [...state, ...IV];
  words[12] = words[12]! ^ bytesSoFar;
  if (isLast) words[14] = words[14]! ^ MASK;
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = SIGMA[round % SIGMA.length]!;
    for (const [index, mixing] of MIXINGS.entries()) {
      mix(words, mixing, message[order[2 * index]!]!, message[order[2 * index + 1]!]!);
    }
  }
  for (let index = 0; index < 8; index += 1) state[index] = state[index]! ^ words[index]! ^ words[index + 8]!;
}

function mix(words: bigint[], places: readonly [number, number, number, number], x: bigint, y: bigint): void {
  let [a, b, c, d] = places.map((place) => words[place]!) as [bigint, bigint, bigint, bigint];
  a = (a + b + x) & MASK;
  d = rotated(d ^ a, 32n);
  c = (c + d) & MASK;
  b = rotated(b ^ c, 24n);
  a = (a + b + y) & MASK;
  d = rotated(d ^ a, 16n);
  c = (c + d) & MASK;
  b = rotated(b ^ c, 63n);
  for (const [index, word] of [a, b, c, d].entries()) words[places[index]!] = word;
}

function rotated(word: bigint, bits: bigint): bigint {
  return (word >> bits) | ((word << (64n - bits)) & MASK);
}
