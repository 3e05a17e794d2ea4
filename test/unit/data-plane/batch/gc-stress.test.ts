import { expect, it } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { runProgram } from '../../../support/child-program.ts';
import { PROJECT_ROOT } from '../../../support/source-files.ts';

/* A collected buffer whose address the kernel still has would be a segmentation fault, or octets that change. */
it.skipIf(loadLibc().kind !== 'ok')(
  'batches outlive forced collections: every datagram comes back as it was sent (skipped where batches cannot be had)',
  async () => {
    const script = `${PROJECT_ROOT}/test/support/gc-stress.ts`;
    const { code, signal, stdout, stderr } = await runProgram(process.execPath, ['--expose-gc', script]);
    expect([code, signal, stderr]).toEqual([0, null, '']);
    expect(stdout).toBe(`${8 * 25 * 16} echoed, 0 changed\n`);
  },
  60_000,
);
