/** What becomes of responses while the kernel has no room for them, with and without batches. */
import { createSocket, Socket } from 'node:dgram';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Libc, loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { ANSWERED_LATER, type Listener, type ReplyPath } from '../../../../src/data-plane/listener/arrival.ts';
import { bindUdpInBatches } from '../../../../src/data-plane/listener/batch-udp-listener.ts';
import { bindUdp, type UdpListenerOptions } from '../../../../src/data-plane/listener/udp-listener.ts';
import { closeListeners, track } from '../../../support/listener-harness.ts';

const QUEUE_MAX = 4_096;
const BEYOND = 100;

const loaded = loadLibc();
const libc = loaded.kind === 'ok' ? loaded.libc : (undefined as never);
/** Has no room, ever. */
const full = (): Libc => ({ ...libc, send: () => -libc.EAGAIN });
const KINDS = [
  { name: 'in batches', isThere: loaded.kind === 'ok', bind: (o: UdpListenerOptions) => bindUdpInBatches(full(), o) },
  { name: 'on node:dgram', isThere: true, bind: bindUdp },
].filter(({ isThere }) => isThere);

afterEach(async () => {
  vi.restoreAllMocks();
  await closeListeners();
});

/** A listener that was asked once and has `count` answers to give to who asked. */
async function asked(bind: (options: UdpListenerOptions) => Promise<Listener>, count: number) {
  const replies: ReplyPath[] = [];
  const onSendFailed = vi.fn();
  const listener = await track(
    bind({
      host: '127.0.0.1',
      port: 0,
      handler: (arrival) => {
        while (replies.length < count) replies.push(arrival.keepReplyPath());
        return ANSWERED_LATER;
      },
      onBatchEnd: () => 0,
      onSendFailed,
      onError: (error) => {
        throw error;
      },
    }),
  );
  const client = createSocket('udp4');
  client.send(Buffer.alloc(12), listener.port, '127.0.0.1');
  await expect.poll(() => replies.length).toBe(count);
  client.close();
  const answer = async (howMany: number): Promise<void> => {
    for (const reply of replies.splice(0, howMany)) reply.send(Buffer.alloc(12), 12);
    await new Promise(setImmediate);
  };
  return { listener, answer, onSendFailed };
}

/** Sockets of node:dgram that keep what they are given until they are told how it went. */
function holdSends(): ((error: Error | null) => void)[] {
  const held: ((error: Error | null) => void)[] = [];
  const hold = (...call: unknown[]): void => void held.push(call.at(-1) as (error: Error | null) => void);
  vi.spyOn(Socket.prototype, 'send').mockImplementation(hold);
  vi.spyOn(Socket.prototype, 'getSendQueueCount').mockImplementation(() => held.length);
  return held;
}

describe.each(KINDS)('responses that the kernel has no room for, $name', ({ bind }) => {
  it('wait, so many and no more: what is beyond is counted, each once', async () => {
    const { answer, onSendFailed } = await asked(bind, QUEUE_MAX + BEYOND + 2);
    const held = holdSends();
    await answer(QUEUE_MAX);
    expect([held.length, onSendFailed.mock.calls.length]).toEqual([QUEUE_MAX, 0]);
    await answer(BEYOND);
    expect([held.length, onSendFailed.mock.calls.length]).toEqual([QUEUE_MAX, BEYOND]);
    // Room for two: one that went, one that did not.
    held.pop()!(null);
    held.pop()!(new Error('EPERM'));
    expect(onSendFailed).toHaveBeenCalledTimes(BEYOND + 1);
    await answer(2);
    expect([held.length, onSendFailed.mock.calls.length]).toEqual([QUEUE_MAX, BEYOND + 1]);
  });
});

describe.skipIf(loaded.kind !== 'ok')('in batches, what node:dgram defers (skipped where there are no batches)', () => {
  const bind = (options: UdpListenerOptions) => bindUdpInBatches(full(), options);

  it('waits, too: as many in one turn as may wait, and no more', async () => {
    const { answer, onSendFailed } = await asked(bind, 2 * QUEUE_MAX + BEYOND);
    await answer(QUEUE_MAX + BEYOND);
    expect(onSendFailed).toHaveBeenCalledTimes(BEYOND);
    await answer(QUEUE_MAX);
    expect(onSendFailed).toHaveBeenCalledTimes(BEYOND);
  });

  it('is counted where the listener closes first', async () => {
    const { listener, answer, onSendFailed } = await asked(bind, BEYOND);
    const answered = answer(BEYOND);
    await listener.close();
    await answered;
    expect(onSendFailed).toHaveBeenCalledTimes(BEYOND);
  });
});
