/**
 * SipHash-2-4: a keyed hash of a few octets that who does not have the key can neither predict nor steer. For server
 * cookies (RFC 9018 4.4) and whatever else a client must not choose its place in. Not for passwords or signatures.
 * Works on halves of 32 bits, because 64-bit integers of this language are objects. One hasher is one thread's: it
 * returns its result in two fields and allocates nothing.
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012).
 */
export const SIP_KEY_BYTES = 16;

/** "somepseudorandomlygeneratedbytes", as low and high halves. */
const INITIAL = Int32Array.of(
  0x70736575,
  0x736f6d65,
  0x6e646f6d,
  0x646f7261,
  0x6e657261,
  0x6c796765,
  0x79746573,
  0x74656462,
);

export class SipHash {
  /** The hash of the last `hash`, as two unsigned halves: octets 0 to 3 of it, little endian, are in `low`. */
  low = 0;
  high = 0;
  readonly #key = new Int32Array(4);
  /** v0 to v3, each as its low and its high half. */
  readonly #state = new Int32Array(8);

  /** @param key SIP_KEY_BYTES octets */
  constructor(key: Uint8Array) {
    if (key.length !== SIP_KEY_BYTES) throw new RangeError(`a key has ${SIP_KEY_BYTES} octets, not ${key.length}`);
    for (let word = 0; word < 4; word++) this.#key[word] = readLittle(key, word * 4, 4);
  }

  /** Hashes octets `start` to `end`. Cost: about 10 ns a block of eight octets. */
  hash(bytes: Uint8Array, start: number, end: number): void {
    const v = this.#state;
    for (let word = 0; word < 8; word++) v[word] = INITIAL[word]! ^ this.#key[word & 3]!;
    let at = start;
    for (; at + 8 <= end; at += 8) compress(v, readLittle(bytes, at, 4), readLittle(bytes, at + 4, 4));
    const left = end - at;
    const low = readLittle(bytes, at, Math.min(left, 4));
    const high = readLittle(bytes, at + 4, Math.max(left - 4, 0)) | ((end - start) << 24);
    compress(v, low, high);
    v[4]! ^= 0xff;
    for (let count = 0; count < 4; count++) round(v);
    this.low = (v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) >>> 0;
    this.high = (v[1]! ^ v[3]! ^ v[5]! ^ v[7]!) >>> 0;
  }
}

function compress(v: Int32Array, low: number, high: number): void {
  v[6]! ^= low;
  v[7]! ^= high;
  round(v);
  round(v);
  v[0]! ^= low;
  v[1]! ^= high;
}

/** Up to four octets, little endian. */
function readLittle(bytes: Uint8Array, offset: number, count: number): number {
  let value = 0;
  for (let index = count - 1; index >= 0; index--) value = (value << 8) | bytes[offset + index]!;
  return value;
}

/** One SipRound, in the registers of this function. */
function round(v: Int32Array): void {
  let v0 = v[0]!;
  let w0 = v[1]!;
  let v1 = v[2]!;
  let w1 = v[3]!;
  let v2 = v[4]!;
  let w2 = v[5]!;
  let v3 = v[6]!;
  let w3 = v[7]!;
  // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
  let sum = (v0 >>> 0) + (v1 >>> 0);
  w0 = (w0 + w1 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v0 = sum | 0;
  let low = (v1 << 13) | (w1 >>> 19);
  let high = (w1 << 13) | (v1 >>> 19);
  v1 = low ^ v0;
  w1 = high ^ w0;
  const turned = v0;
  v0 = w0;
  w0 = turned;
  // v2 += v3; v3 = rotl(v3, 16) ^ v2
  sum = (v2 >>> 0) + (v3 >>> 0);
  w2 = (w2 + w3 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v2 = sum | 0;
  low = (v3 << 16) | (w3 >>> 16);
  high = (w3 << 16) | (v3 >>> 16);
  v3 = low ^ v2;
  w3 = high ^ w2;
  // v0 += v3; v3 = rotl(v3, 21) ^ v0
  sum = (v0 >>> 0) + (v3 >>> 0);
  w0 = (w0 + w3 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v0 = sum | 0;
  low = (v3 << 21) | (w3 >>> 11);
  high = (w3 << 21) | (v3 >>> 11);
  v3 = low ^ v0;
  w3 = high ^ w0;
  // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
  sum = (v2 >>> 0) + (v1 >>> 0);
  w2 = (w2 + w1 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v2 = sum | 0;
  low = (v1 << 17) | (w1 >>> 15);
  high = (w1 << 17) | (v1 >>> 15);
  v1 = low ^ v2;
  w1 = high ^ w2;
  v[0] = v0;
  v[1] = w0;
  v[2] = v1;
  v[3] = w1;
  v[4] = w2;
  v[5] = v2;
  v[6] = v3;
  v[7] = w3;
}
