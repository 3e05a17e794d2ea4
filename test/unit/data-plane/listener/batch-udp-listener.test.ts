import { closeSync, openSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { bindUdpInBatches } from '../../../../src/data-plane/listener/batch-udp-listener.ts';

const libc = loadLibc();

const nothing = (): never => {
  throw new Error('not expected');
};

it.skipIf(libc.kind !== 'ok')('closes a descriptor that node:dgram does not take', async () => {
  const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
  const fd = openSync('/dev/null', 'r');
  const close = vi.fn(closeSync);
  const bound = bindUdpInBatches(
    { ...real, openUdp: () => fd, close },
    { host: '127.0.0.1', port: 0, handler: nothing, onBatchEnd: nothing, onSendFailed: nothing, onError: nothing },
  );
  await expect(bound).rejects.toMatchObject({ code: 'ERR_INVALID_FD_TYPE' });
  expect(close).toHaveBeenCalledExactlyOnceWith(fd);
});
