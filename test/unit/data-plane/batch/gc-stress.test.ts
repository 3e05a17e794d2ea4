import { expect, it } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { runProgram } from '../../../support/child-program.ts';
import { PROJECT_ROOT } from '../../../support/source-files.ts';

/* A collected buffer whose address the kernel still has would be a segmentation fault, or octets that change. */
it.skipIf(loadLibc().kind !== 'ok').each([
  ['gc-stress.ts', '127.0.0.1', 'echoed'],
  ['gc-stress.ts', '::1', 'echoed'],
  ['gc-stress-upstream.ts', '127.0.0.1', 'answered'],
  ['gc-stress-upstream.ts', '::1', 'answered'],
])(
  'batches outlive forced collections: every datagram comes back as it was sent (%s, %s; skipped where there are none)',
  async (script, host, word) => {
    const path = `${PROJECT_ROOT}/test/support/${script}`;
    const { code, signal, stdout, stderr } = await runProgram(process.execPath, ['--expose-gc', path, host]);
    expect([code, signal, stderr]).toEqual([0, null, '']);
    expect(stdout).toBe(`${8 * 8 * 16} ${word}, 0 changed\n`);
  },
  60_000,
);
