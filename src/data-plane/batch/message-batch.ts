/**
 * The memory of a batch: slots for messages and their peers' addresses, and the headers that recvmmsg and sendmmsg read.
 * Slots and headers are laid out once; receiving and sending a batch writes a few words a message and allocates nothing.
 * The buffers' addresses are in the headers, so the batch must be referenced while a system call may use it.
 */
import type { Libc } from './libc.ts';
import { sockaddrBytes } from './sockaddr.ts';

const NAME_BYTES = 32;
const HEADER_WORD_BYTES = 4;

export class MessageBatch {
  readonly slots: number;
  readonly slotBytes: number;
  /** Slot i is at [i * slotBytes, (i + 1) * slotBytes). */
  readonly bytes: Buffer;
  /** The sockaddr of slot i's peer is at i * nameBytes. */
  readonly names: Buffer;
  readonly nameBytes = NAME_BYTES;
  readonly #libc: Libc;
  readonly #isV6: boolean;
  readonly #receiveHeaders: Buffer;
  /** Why kept: a view for each wake-up would be an allocation. */
  readonly #receiveHeadersBehindFirst: Buffer;
  readonly #receiveWords: Uint32Array;
  readonly #receiveIovecs: Buffer;
  readonly #sendHeaders: Buffer;
  readonly #sendWords: Uint32Array;
  readonly #sendIovecs: Buffer;
  readonly #sendIovecWords: Uint32Array;
  /** Low and high halves of each slot's and each name's address, for headers that are filled in at sending. */
  readonly #slotPointers: Uint32Array;
  readonly #namePointers: Uint32Array;
  #queued = 0;
  /** The last call received into slots before this one. */
  #usedBefore = 0;

  constructor(libc: Libc, isV6: boolean, slots: number, slotBytes: number) {
    const { layout } = libc;
    this.#libc = libc;
    this.#isV6 = isV6;
    this.slots = slots;
    this.slotBytes = slotBytes;
    this.bytes = Buffer.allocUnsafeSlow(slots * slotBytes);
    this.names = Buffer.alloc(slots * NAME_BYTES);
    this.#receiveHeaders = Buffer.alloc(slots * layout.headerBytes);
    this.#receiveHeadersBehindFirst = this.#receiveHeaders.subarray(layout.headerBytes);
    this.#receiveIovecs = Buffer.alloc(slots * layout.iovecBytes);
    this.#sendHeaders = Buffer.alloc(slots * layout.headerBytes);
    this.#sendIovecs = Buffer.alloc(slots * layout.iovecBytes);
    this.#receiveWords = wordsOf(this.#receiveHeaders);
    this.#sendWords = wordsOf(this.#sendHeaders);
    this.#sendIovecWords = wordsOf(this.#sendIovecs);
    this.#slotPointers = pointers(libc.addressOf(this.bytes), slots, slotBytes);
    this.#namePointers = pointers(libc.addressOf(this.names), slots, NAME_BYTES);
    this.#layOut(this.#receiveHeaders, this.#receiveIovecs);
    this.#layOut(this.#sendHeaders, this.#sendIovecs);
  }

  #layOut(headers: Buffer, iovecs: Buffer): void {
    const { layout } = this.#libc;
    const iovecAddress = this.#libc.addressOf(iovecs);
    const bytesAddress = this.#libc.addressOf(this.bytes);
    const namesAddress = this.#libc.addressOf(this.names);
    for (let slot = 0; slot < this.slots; slot++) {
      const header = slot * layout.headerBytes;
      const iovec = slot * layout.iovecBytes;
      iovecs.writeBigUInt64LE(bytesAddress + BigInt(slot * this.slotBytes), iovec);
      iovecs.writeBigUInt64LE(BigInt(this.slotBytes), iovec + layout.iovecLength);
      headers.writeBigUInt64LE(namesAddress + BigInt(slot * NAME_BYTES), header + layout.name);
      headers.writeUInt32LE(NAME_BYTES, header + layout.nameLength);
      headers.writeBigUInt64LE(iovecAddress + BigInt(iovec), header + layout.iovec);
      headers.writeBigUInt64LE(1n, header + layout.iovecCount);
    }
  }

  /** Receives into slots [from, slots), `from` 0 or 1; returns how many came, or the negative error number. */
  receive(fd: number, from: 0 | 1): number {
    const { layout } = this.#libc;
    const count = this.slots - from;
    const words = this.#receiveWords;
    const stride = layout.headerBytes / HEADER_WORD_BYTES;
    // Why: the kernel leaves the length it wrote where it will read the room it has. It did so in the last call's slots.
    for (let slot = 0, at = layout.nameLength / HEADER_WORD_BYTES; slot < this.#usedBefore; slot++, at += stride)
      words[at] = NAME_BYTES;
    const headers = from === 0 ? this.#receiveHeaders : this.#receiveHeadersBehindFirst;
    const received = this.#libc.receive(fd, headers, count);
    this.#usedBefore = received > 0 ? from + received : 0;
    return received;
  }

  /** Octets in a slot that `receive` filled. */
  receivedBytes(slot: number): number {
    const { layout } = this.#libc;
    return this.#receiveWords[(slot * layout.headerBytes + layout.messageLength) / HEADER_WORD_BYTES]!;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Queues the first `length` octets of a slot for its peer. At most one message a slot. */
  queue(slot: number, length: number): void {
    const { layout } = this.#libc;
    const at = this.#queued++;
    const iovec = (at * layout.iovecBytes) / HEADER_WORD_BYTES;
    this.#sendIovecWords[iovec] = this.#slotPointers[slot * 2]!;
    this.#sendIovecWords[iovec + 1] = this.#slotPointers[slot * 2 + 1]!;
    this.#sendIovecWords[iovec + layout.iovecLength / HEADER_WORD_BYTES] = length;
    const header = (at * layout.headerBytes) / HEADER_WORD_BYTES;
    this.#sendWords[header + layout.name / HEADER_WORD_BYTES] = this.#namePointers[slot * 2]!;
    this.#sendWords[header + layout.name / HEADER_WORD_BYTES + 1] = this.#namePointers[slot * 2 + 1]!;
    this.#sendWords[header + layout.nameLength / HEADER_WORD_BYTES] = sockaddrBytes(this.#isV6);
  }

  /** Queues a slot on a connected socket: without an address. */
  queueConnected(slot: number, length: number): void {
    const { layout } = this.#libc;
    const header = (this.#queued * layout.headerBytes) / HEADER_WORD_BYTES;
    this.queue(slot, length);
    this.#sendWords[header + layout.name / HEADER_WORD_BYTES] = 0;
    this.#sendWords[header + layout.name / HEADER_WORD_BYTES + 1] = 0;
    this.#sendWords[header + layout.nameLength / HEADER_WORD_BYTES] = 0;
  }

  /**
   * Sends what is queued and empties the queue. `onUnsent` gets every message that the kernel did not take: its error
   * number, its octets, and the slot's sockaddr offset in `names`.
   */
  flush(fd: number, onUnsent: (error: number, message: Uint8Array, nameOffset: number) => void): void {
    const { layout } = this.#libc;
    let sent = 0;
    while (sent < this.#queued) {
      const headers = sent === 0 ? this.#sendHeaders : this.#sendHeaders.subarray(sent * layout.headerBytes);
      const result = this.#libc.send(fd, headers, this.#queued - sent);
      if (result > 0) sent += result;
      else onUnsent(-result, ...this.#unsent(sent++));
    }
    this.#queued = 0;
  }

  #unsent(index: number): [Uint8Array, number] {
    const { layout } = this.#libc;
    const iovec = (index * layout.iovecBytes) / HEADER_WORD_BYTES;
    const slot = this.#slotOf(this.#sendIovecWords[iovec]!, this.#sendIovecWords[iovec + 1]!);
    const length = this.#sendIovecWords[iovec + layout.iovecLength / HEADER_WORD_BYTES]!;
    return [this.bytes.subarray(slot * this.slotBytes, slot * this.slotBytes + length), slot * NAME_BYTES];
  }

  #slotOf(low: number, high: number): number {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.#slotPointers[slot * 2] === low && this.#slotPointers[slot * 2 + 1] === high) return slot;
    }
    return 0;
  }
}

function wordsOf(buffer: Buffer): Uint32Array {
  return new Uint32Array(buffer.buffer, buffer.byteOffset, buffer.length / HEADER_WORD_BYTES);
}

function pointers(base: bigint, count: number, stride: number): Uint32Array {
  const halves = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const address = base + BigInt(i * stride);
    halves[i * 2] = Number(address & 0xffffffffn);
    halves[i * 2 + 1] = Number(address >> 32n);
  }
  return halves;
}
