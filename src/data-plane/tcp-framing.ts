/**
 * The two-octet length in front of every DNS message on a stream (RFC 1035 4.2.2): octets in any cut, whole messages
 * out, from clients and from upstreams. Memory grows with what was received, never with what a length field promises.
 */

export const FRAME_PREFIX_BYTES = 2;
const INITIAL_BYTES = 512;
const BUFFER_BYTES_KEPT = 8_192;

export function writeFrameLength(bytes: Uint8Array, offset: number, messageBytes: number): void {
  bytes[offset] = messageBytes >> 8;
  bytes[offset + 1] = messageBytes & 0xff;
}

export class FrameReader {
  #buffer = new Uint8Array(INITIAL_BYTES);
  #from = 0;
  #to = 0;

  /** Adds received octets. The caller takes every complete message it wants and stops reading the stream meanwhile. */
  push(chunk: Uint8Array): void {
    const held = this.#to - this.#from;
    if (this.#to + chunk.length > this.#buffer.length) {
      const needed = held + chunk.length;
      const target =
        needed > this.#buffer.length ? new Uint8Array(Math.max(needed, this.#buffer.length * 2)) : this.#buffer;
      target.set(this.#buffer.subarray(this.#from, this.#to));
      this.#buffer = target;
      this.#from = 0;
      this.#to = held;
    }
    this.#buffer.set(chunk, this.#to);
    this.#to += chunk.length;
  }

  /** Copies the next complete message to `out` at `at` and returns its length, or -1 while there is none. */
  take(out: Uint8Array, at: number): number {
    const held = this.#to - this.#from;
    if (held < FRAME_PREFIX_BYTES) return -1;
    const length = (this.#buffer[this.#from]! << 8) | this.#buffer[this.#from + 1]!;
    if (held < FRAME_PREFIX_BYTES + length) return -1;
    const begin = this.#from + FRAME_PREFIX_BYTES;
    out.set(this.#buffer.subarray(begin, begin + length), at);
    this.#from = begin + length;
    if (this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
      if (this.#buffer.length > BUFFER_BYTES_KEPT) this.#buffer = new Uint8Array(INITIAL_BYTES);
    }
    return length;
  }
}
