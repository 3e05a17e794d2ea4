/**
 * What `npm pack` makes, installed into an empty folder as an operator would, and run from there: compiled JavaScript,
 * production dependencies, the whole command.
 */
import { writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { delimiter, dirname, join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { runProgram, type ProgramResult } from '../support/child-program.ts';
import { copyProject } from '../support/project-copy.ts';
import { startWeir } from '../support/running-weir.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/**
 * npm on the machine's own Node, so that it reads the machine's own settings (registry, certificates): npm finds its
 * global settings beside the Node that runs it.
 */
const npmEnv = {
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter),
};
/** The Node that runs this test runs the package, whatever the machine's own is. */
const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`, NODE_OPTIONS: '' };

let packed: string[];
let installed: string;

beforeAll(async () => {
  const clone = copyProject();
  installed = temporaryFolder('installed');
  const pack = await npm(clone, 'pack', '--json', '--pack-destination', installed);
  const description: unknown = JSON.parse(pack.stdout.slice(pack.stdout.search(/^[[{]/m)));
  packed = filesOf(description);
  writeFileSync(join(installed, 'package.json'), '{"private":true}');
  await npm(installed, 'install', '--prefer-offline', './weir-dns-0.1.0.tgz');
}, 240_000);

async function npm(cwd: string, ...args: string[]): Promise<ProgramResult> {
  const result = await runProgram(
    'npm',
    [...args, '--no-audit', '--no-fund', '--fetch-retries=1', '--loglevel=error'],
    {
      cwd,
      env: npmEnv,
      timeoutMs: 100_000,
    },
  );
  if (result.code !== 0) throw new Error(`npm ${args[0]}: ${result.stdout}${result.stderr}`);
  return result;
}

/** Paths in the description that `npm pack --json` prints: an array in npm 11, an object by package name in npm 12. */
function filesOf(description: unknown): string[] {
  const found: string[] = [];
  JSON.stringify(description, (key, value: unknown) => {
    if (key === 'path' && typeof value === 'string') found.push(value);
    return value;
  });
  return found;
}

async function weir(...args: string[]): Promise<ProgramResult> {
  return runProgram(join(installed, 'node_modules/.bin/weir'), args, { cwd: installed, env });
}

describe('the package', () => {
  test('holds compiled JavaScript, the data and the documents, and nothing else', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'CHANGELOG.md',
        'docs/configuration.md',
        'bin/weir.js',
        'dist/main.js',
        'blocklists/weir.yaml',
        'blocklists/protected-names.txt',
      ]),
    );
    expect(packed.filter((path) => path.endsWith('.ts') || /^(test|bench|\.ci|node_modules)\//.test(path))).toEqual([]);
  });

  test('explains itself', async () => {
    const help = await weir('--help');
    expect(help.code).toBe(0);
    for (const command of ['serve', 'check', 'config', 'list']) expect(help.stdout).toContain(command);
  });

  test('weir check says why a name of the bundled list is blocked', async () => {
    const check = await weir('check', 'parcel-redelivery-fee.example', '--json');
    expect(check.stderr).toBe('');
    expect(check.code).toBe(0);
    expect(check.stdout).toContain('"sample"');
    expect(check.stdout).toContain('blocked');
  });

  test('weir list inspect reads a list', async () => {
    const inspect = await weir('list', 'inspect', join(installed, 'node_modules/weir-dns/blocklists/sample-fraud.txt'));
    expect(inspect.code).toBe(0);
    expect(inspect.stdout).toContain('plain');
  });

  test('weir serve answers, and ends well when it is told to', async () => {
    const running = await startWeir({
      command: [join(installed, 'node_modules/.bin/weir')],
      env,
      files: { 'list.txt': 'scam.example.org\n' },
      config: { lists: [{ name: 'test', source: './list.txt' }], sinkhole: { addresses: ['192.0.2.80'] }, workers: 2 },
    });
    onTestFinished(async () => void (await running.program.stop()));
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${running.dnsPort}`]);
    expect(await resolver.resolve4('www.scam.example.org')).toEqual(['192.0.2.80']);
    expect((await running.program.stop()).code).toBe(0);
  });
});
