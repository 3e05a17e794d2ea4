import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadLibc } from '../../src/data-plane/batch/libc.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { newFolder, startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';

afterEach(stopAllWeirs);

const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
const hasGlibc = report.header.glibcVersionRuntime !== undefined;

test.skipIf(loadLibc().kind !== 'ok' || !hasGlibc)(
  'Weir gives large blocks back when they are freed (skipped without glibc or koffi)',
  async () => {
    const folder = newFolder();
    const file = join(folder, 'blocks');
    const hook = `--import=${PROJECT_ROOT}/test/support/large-blocks-hook.ts`;
    const weir = await startWeirProcess({ folder, env: { NODE_OPTIONS: hook, WEIR_TEST_BLOCKS_FILE: file } });
    expect((await weir.stop()).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('given back');
  },
);
