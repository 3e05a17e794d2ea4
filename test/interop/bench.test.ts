/** The benchmark's harness in its short form: every query counted by rcode, none lost, no wrong answer. Never a time. */
import { expect, test } from 'vitest';
import { type ProgramResult, runProgram } from '../support/child-program.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';

const QUERIES = 2_000;
const TIMEOUT_MS = 110_000;

function bench(...args: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, ['bench/run.ts', ...args], { cwd: PROJECT_ROOT, timeoutMs: TIMEOUT_MS });
}

test('counts every answer of every server by rcode, loses none and finds none wrong', async () => {
  const { code, stdout, stderr } = await bench('smoke');
  expect(stderr).not.toContain('problem:');
  expect(code).toBe(0);
  const columns = /^server +kind +edns +sent +lost +wrong$/m;
  expect(stdout).toMatch(columns);
  const lines = stdout.split('\n').flatMap((line) => {
    const found = /^(\S+) +(\w+) +(true|false) +(\d+) +(\d+) +(\d+)$/.exec(line);
    return found === null ? [] : [{ server: found[1], kind: found[2], counts: found.slice(4).map(Number) }];
  });
  const ofWeir = lines.filter(({ server }) => server === 'weir');
  expect(ofWeir.map(({ kind }) => kind)).toEqual(
    ['blocked', 'cached', 'mixed', 'forwarded'].flatMap((kind) => [kind, kind]),
  );
  for (const { counts } of lines) expect(counts).toEqual([QUERIES, 0, 0]);
});

test('names what there is when asked for a case or a server that there is not', async () => {
  const noCase = await bench('nothing');
  expect(noCase.code).toBe(1);
  expect(noCase.stderr).toMatch(/no such case: nothing; there are blocked, cached/);
  const noServer = await bench('smoke', '--peers', 'bind');
  expect(noServer.code).toBe(1);
  expect(noServer.stderr).toMatch(/no such server: bind; there are weir/);
  expect((await bench('--edns', 'perhaps')).code).toBe(2);
});
