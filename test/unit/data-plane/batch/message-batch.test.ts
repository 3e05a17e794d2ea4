import { describe, expect, it } from 'vitest';
import { type Libc, loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { MessageBatch } from '../../../../src/data-plane/batch/message-batch.ts';
import { batchSupport } from '../../../../src/data-plane/batch/self-check.ts';

/*
 * A kernel of the test's own behind the real memory layout: what the headers say is read back out of them, and each call
 * ends as the test wants. The real kernel is asked by listener-contract.test.ts and self-check.ts.
 */

const LAYOUT = {
  iovecBytes: 16,
  iovecLength: 8,
  headerBytes: 64,
  name: 0,
  nameLength: 8,
  iovec: 16,
  iovecCount: 24,
  messageLength: 56,
};
const EAGAIN = 11;
const ENOBUFS = 105;
const ENETUNREACH = 101;
const SLOTS = 8;
const SLOT_BYTES = 512;

interface ScriptedKernel {
  readonly libc: Libc;
  /** Headers handed over in each send call. */
  readonly calls: number[];
}

/** Each send call takes so many messages, or fails with the negative error number. */
function kernel(results: readonly number[]): ScriptedKernel {
  const calls: number[] = [];
  let nextAddress = 0x7000_0000_0000n;
  const libc: Libc = {
    layout: LAYOUT,
    EAGAIN,
    ENOBUFS,
    errorName: (number) => `E${number}`,
    addressOf: () => (nextAddress += 0x1_0000_0000n),
    receive: () => -EAGAIN,
    send: (_fd, _headers, count) => {
      calls.push(count);
      return Math.min(count, results[calls.length - 1] ?? count);
    },
    openUdp: () => -1,
    setSocketOption: () => 0,
    connect: () => undefined,
    socketMemory: () => undefined,
    close: () => undefined,
  };
  return { libc, calls };
}

function queued(libc: Libc, slots: readonly number[]): MessageBatch {
  const batch = new MessageBatch(libc, false, SLOTS, SLOT_BYTES);
  for (const slot of slots) {
    batch.bytes.fill(slot, slot * SLOT_BYTES, slot * SLOT_BYTES + slot + 1);
    batch.queue(slot, slot + 1);
  }
  return batch;
}

function flushed(
  batch: MessageBatch,
): { readonly error: number; readonly octets: number[]; readonly nameOffset: number }[] {
  const unsent: { error: number; octets: number[]; nameOffset: number }[] = [];
  batch.flush(3, (error, message, nameOffset) => unsent.push({ error, octets: [...message], nameOffset }));
  return unsent;
}

describe('sending a batch', () => {
  it('is one call where the kernel takes everything', () => {
    const { libc, calls } = kernel([]);
    const batch = queued(libc, [1, 3, 5]);
    expect(flushed(batch)).toEqual([]);
    expect(calls).toEqual([3]);
    expect(batch.queued).toBe(0);
  });

  it('goes on behind what the kernel took', () => {
    const { libc, calls } = kernel([2, 1]);
    expect(flushed(queued(libc, [0, 1, 2, 4]))).toEqual([]);
    expect(calls).toEqual([4, 2, 1]);
  });

  it('hands over, message by message, what a full kernel does not take: nothing is lost in silence', () => {
    const { libc, calls } = kernel([1, -EAGAIN, -EAGAIN]);
    expect(flushed(queued(libc, [2, 4, 6]))).toEqual([
      { error: EAGAIN, octets: Array<number>(5).fill(4), nameOffset: 4 * 32 },
      { error: EAGAIN, octets: Array<number>(7).fill(6), nameOffset: 6 * 32 },
    ]);
    expect(calls).toEqual([3, 2, 1]);
  });

  it('skips the one message that cannot be sent and sends those behind it', () => {
    const { libc, calls } = kernel([-ENETUNREACH]);
    expect(flushed(queued(libc, [1, 2, 3]))).toEqual([{ error: ENETUNREACH, octets: [1, 1], nameOffset: 32 }]);
    expect(calls).toEqual([3, 2]);
  });

  it('does not take a call that sent nothing for progress', () => {
    const { libc, calls } = kernel([0, 0]);
    expect(flushed(queued(libc, [1, 2]))).toHaveLength(2);
    expect(calls).toHaveLength(2);
  });
});

describe('the bindings of this machine', () => {
  it('compute the layout that the kernel of a 64-bit Linux has', () => {
    const outcome = loadLibc();
    const isSupported = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
    expect(outcome.kind).toBe(isSupported ? 'ok' : 'unavailable');
    if (outcome.kind === 'ok') expect(outcome.libc.layout).toEqual(LAYOUT);
  });

  it('pass the self-check, which is made once a thread', () => {
    const support = batchSupport();
    expect(support.kind).toBe(loadLibc().kind);
    expect(batchSupport()).toBe(support);
  });
});

describe('receiving a batch', () => {
  it('offers the kernel the whole room for each address, whatever it wrote there before', () => {
    const { libc } = kernel([]);
    const room = new Set<number>();
    const counts = [3, 0, 8, 1, 7];
    let call = 0;
    libc.receive = (_fd, headers, count) => {
      const bytes = Buffer.from(headers.buffer, headers.byteOffset, headers.byteLength);
      for (let slot = 0; slot < count; slot++)
        room.add(bytes.readUInt32LE(slot * LAYOUT.headerBytes + LAYOUT.nameLength));
      const received = Math.min(counts[call++]!, count);
      for (let slot = 0; slot < received; slot++)
        bytes.writeUInt32LE(16, slot * LAYOUT.headerBytes + LAYOUT.nameLength);
      return received === 0 ? -EAGAIN : received;
    };
    const batch = new MessageBatch(libc, false, SLOTS, SLOT_BYTES);
    for (const [index] of counts.entries()) batch.receive(3, index % 2 === 0 ? 0 : 1);
    expect([...room]).toEqual([32]);
  });
});
