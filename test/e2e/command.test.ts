/** bin/weir.js: which program it chooses, and what it says where the Node that runs it is too old. */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram, type ProgramResult } from '../support/child-program.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Makes Node believe that it is an old one. */
const PRETEND_OLD = `data:text/javascript,${encodeURIComponent(
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.9.0' } });
   Object.defineProperty(process, 'version', { value: 'v20.9.0' });`,
)}`;

/** A folder with bin/weir.js and the given files. */
function layout(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder('bin');
  cpSync(join(PROJECT_ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  for (const [path, content] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content, { mode: 0o755 });
  }
  return folder;
}

async function run(folder: string, nodeArgs: readonly string[], ...args: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, [...nodeArgs, join(folder, 'bin/weir.js'), ...args], {
    env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: undefined },
  });
}

const SAYS = (what: string): string => `console.log('${what}', ...process.argv.slice(2));`;
const FAKE_RUNTIME = `#!/bin/sh\necho "own runtime: $*"\nexit 78\n`;

describe('the weir command', () => {
  test('runs the sources in a clone, even beside an older build', async () => {
    const folder = layout({ 'src/main.ts': SAYS('source'), 'dist/main.js': SAYS('compiled') });
    expect((await run(folder, [], 'check', 'x')).stdout).toBe('source check x\n');
  });

  test('runs compiled JavaScript in a package', async () => {
    const folder = layout({ 'dist/main.js': SAYS('compiled') });
    expect((await run(folder, [], 'check', 'x')).stdout).toBe('compiled check x\n');
  });

  test('hands over to the Node that npm ci brought where its own is too old, exit code included', async () => {
    const folder = layout({ 'src/main.ts': SAYS('source'), 'node_modules/node/bin/node': FAKE_RUNTIME });
    const result = await run(folder, ['--import', PRETEND_OLD], 'check', 'x');
    expect(result.stdout).toBe(`own runtime: ${join(folder, 'src/main.ts')} check x\n`);
    expect(result.code).toBe(78);
  });

  test('says what to do where its Node is too old and there is no other', async () => {
    const result = await run(layout({ 'src/main.ts': SAYS('source') }), ['--import', PRETEND_OLD]);
    expect(result.stderr).toContain('weir needs Node 24.12 or later; this is v20.9.0');
    expect(result.stderr).toContain('npm ci');
    expect(result.stdout).toBe('');
    expect(result.code).toBe(1);
  });

  test('says what is missing where there is nothing to run', async () => {
    const result = await run(layout({}), []);
    expect(result.stderr).toMatch(/^weir: .*main\.js is missing/);
    expect(result.code).toBe(1);
  });

  const SHOWS_CACHE = `
    import { Worker } from 'node:worker_threads';
    import { getCompileCacheDir } from 'node:module';
    console.log('main', getCompileCacheDir());
    new Worker("console.log('thread', require('node:module').getCompileCacheDir())", { eval: true });`;

  test('keeps what Node compiles below node_modules, threads included', async () => {
    const folder = layout({ 'src/main.ts': SHOWS_CACHE, 'node_modules/x/index.js': '' });
    const cache = join(folder, 'node_modules/.cache/weir');
    const { stdout } = await run(folder, []);
    expect(stdout).toContain(`main ${cache}`);
    expect(stdout).toContain(`thread ${cache}`);
    expect(readdirSync(cache).length).toBeGreaterThan(0);
  });

  test('keeps nothing where there is no such folder, or the environment says otherwise', async () => {
    const bare = layout({ 'src/main.ts': SHOWS_CACHE });
    expect((await run(bare, [])).stdout).toContain('main undefined');
    const told = layout({ 'src/main.ts': SHOWS_CACHE, 'node_modules/x/index.js': '' });
    const program = [process.execPath, join(told, 'bin/weir.js')] as const;
    const { stdout } = await runProgram(program[0], [program[1]], {
      env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    expect(stdout).toContain('main undefined');
    expect(existsSync(join(told, 'node_modules/.cache'))).toBe(false);
  });

  test('runs all the same where it may not write', async () => {
    const folder = layout({ 'src/main.ts': SAYS('source'), 'node_modules/x/index.js': '' });
    chmodSync(join(folder, 'node_modules'), 0o555);
    const { stdout, code } = await run(folder, []);
    chmodSync(join(folder, 'node_modules'), 0o755);
    expect(stdout).toBe('source\n');
    expect(code).toBe(0);
  });
});
