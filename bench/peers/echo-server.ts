/** The program of echo-node.ts: node bench/peers/echo-server.ts PORT */
import { batchSupport } from '../../src/data-plane/batch/self-check.ts';
import { bindUdpInBatches } from '../../src/data-plane/listener/batch-udp-listener.ts';

const QR_BYTE = 2;
const QR_BIT = 0x80;

const support = batchSupport();
if (support.kind !== 'ok') throw new Error(`no batches here: ${support.reason}`);
await bindUdpInBatches(support.libc, {
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  handler: (arrival) => {
    arrival.bytes[arrival.start + QR_BYTE]! |= QR_BIT;
    return arrival.end - arrival.start;
  },
  onBatchEnd: (receivedAtMs) => receivedAtMs,
  onSendFailed: () => undefined,
  onError: (error) => {
    throw error;
  },
});
