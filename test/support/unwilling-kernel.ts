/** The machine's C library, but its sendmmsg takes only what it likes: for tests of what becomes of the rest. */
import type { Libc } from '../../src/data-plane/batch/libc.ts';

const ENETUNREACH = 101;

export interface UnwillingKernel {
  readonly libc: Libc;
  /** Datagrams that it said cannot be sent at all. */
  refused: number;
  /** Calls that it had no room for. */
  full: number;
  /** Calls of which it took a part. */
  cut: number;
}

/** In turn: no room; two datagrams at most; one that cannot be sent; all. */
export function unwillingKernel(real: Libc): UnwillingKernel {
  let calls = 0;
  const kernel: UnwillingKernel = {
    refused: 0,
    full: 0,
    cut: 0,
    libc: {
      ...real,
      send: (fd, headers, count) => {
        switch (calls++ % 4) {
          case 0:
            kernel.full++;
            return calls % 8 === 1 ? -real.EAGAIN : -real.ENOBUFS;
          case 1:
            if (count > 2) kernel.cut++;
            return real.send(fd, headers, Math.min(count, 2));
          case 2:
            kernel.refused++;
            return -ENETUNREACH;
          default:
            return real.send(fd, headers, count);
        }
      },
    },
  };
  return kernel;
}
