/**
 * Cuts a TCP stream into DNS messages: two octets of length, then the message, in whatever pieces they come. Holds at
 * most one unfinished message. RFC 1035 4.2.2; RFC 7766 8.
 */
const LENGTH_BYTES = 2;

export class TcpFrames {
  /** The unfinished message with its length octets; `#held` of them are there. */
  #partial: Uint8Array = new Uint8Array(LENGTH_BYTES);
  #held = 0;

  /** Takes what arrived and hands over each whole message, valid until `onMessage` returns. */
  push(chunk: Uint8Array, onMessage: (bytes: Uint8Array, start: number, end: number) => void): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#held === 0 && chunk.length - offset >= LENGTH_BYTES) {
        const end = offset + LENGTH_BYTES + ((chunk[offset]! << 8) | chunk[offset + 1]!);
        if (end <= chunk.length) {
          onMessage(chunk, offset + LENGTH_BYTES, end);
          offset = end;
          continue;
        }
      }
      offset = this.#hold(chunk, offset, onMessage);
    }
  }

  /** Copies what is missing of the message's head or body; hands it over when it is whole. */
  #hold(chunk: Uint8Array, offset: number, onMessage: (bytes: Uint8Array, start: number, end: number) => void): number {
    const wanted = this.#held < LENGTH_BYTES ? LENGTH_BYTES : this.#partial.length;
    const end = Math.min(chunk.length, offset + wanted - this.#held);
    this.#partial.set(chunk.subarray(offset, end), this.#held);
    this.#held += end - offset;
    if (this.#held === LENGTH_BYTES && this.#partial.length === LENGTH_BYTES) {
      const whole = new Uint8Array(LENGTH_BYTES + ((this.#partial[0]! << 8) | this.#partial[1]!));
      whole.set(this.#partial);
      this.#partial = whole;
    }
    if (this.#held === this.#partial.length && this.#held >= LENGTH_BYTES && this.#isWhole()) {
      const message = this.#partial;
      this.#partial = new Uint8Array(LENGTH_BYTES);
      this.#held = 0;
      onMessage(message, LENGTH_BYTES, message.length);
    }
    return end;
  }

  #isWhole(): boolean {
    return this.#held === LENGTH_BYTES + ((this.#partial[0]! << 8) | this.#partial[1]!);
  }
}
