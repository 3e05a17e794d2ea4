/** What a maintainer's commands say of a Weir whose admin listener has no /v1: in a sentence, before anything is sent. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdminServer } from '../../src/control-plane/admin/admin-server.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { runProgram, type ProgramResult } from '../support/child-program.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { COMPILE_CACHE } from '../support/weir-process.ts';

const SENTENCE = 'weir: this server has no /v1: is that the address of the admin listener of a Weir? [notFound]\n';

const folder = temporaryFolder('no-api');
writeFileSync(join(folder, 'list.txt'), 'a.example\n');
const server = createAdminServer({
  metrics: { contentType: 'text/plain', render: () => Promise.resolve('') },
  isAlive: () => true,
  readiness: () => ({ ready: true, lists: [] }),
  log: createLog({ level: 'silent', name: 'control' }),
});
let url: string;
beforeAll(async () => {
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

async function weir(...args: readonly string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, [join(PROJECT_ROOT, 'src/main.ts'), ...args], {
    cwd: folder,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, WEIR_TOKEN: 'weir_abcdefgh_secret', WEIR_URL: url },
  });
}

test.each([
  [['push', 'desk', '--add', 'a.example', '--reason', 'r']],
  [['push', 'desk', '--file', 'list.txt', '--reason', 'r']],
  [['list', 'rollback', 'desk', '--to', '1', '--reason', 'r']],
  [['holds', 'list']],
  [['holds', 'release', 'h1', '--reason', 'r']],
])('weir %j', async (args) => {
  expect(await weir(...args)).toMatchObject({ code: 1, stdout: '', stderr: SENTENCE });
});

test('weir list versions, with the problem itself for programs', async () => {
  const { code, stdout, stderr } = await weir('list', 'versions', 'desk', '--json');
  expect([code, stderr, JSON.parse(stdout)]).toMatchObject([1, SENTENCE, { status: 404, code: 'notFound' }]);
});
