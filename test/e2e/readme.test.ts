/**
 * The README's commands, run in order in a copy of the project, as a newcomer would: `npm start` once, the others against
 * it. Ports are replaced by free ones and the system's resolvers by an upstream of the test's own, so that nothing here
 * needs a network or collides. A block whose program is not on this machine is skipped and says so.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram, startProgram, type RunningProgram } from '../support/child-program.ts';
import { freePort } from '../support/free-port.ts';
import { copyProject } from '../support/project-copy.ts';
import { startFakeUpstream, type FakeUpstream } from '../support/fake-upstream.ts';
import { commandBlocks, foldSpaces } from '../support/readme-commands.ts';
import { untilReady } from '../support/running-weir.ts';
import { readProjectFile } from '../support/source-files.ts';

const DEFAULT_PORTS = ['1053', '9153', '8080'];
const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`, NODE_OPTIONS: '' };

const blocks = commandBlocks(readProjectFile('README.md'));
const ports = new Map<string, string>();
let folder: string;
let server: RunningProgram | undefined;
let upstream: FakeUpstream | undefined;

beforeAll(async () => {
  folder = copyProject();
  for (const port of DEFAULT_PORTS) ports.set(port, String(await freePort()));
  upstream = await startFakeUpstream();
  const config = join(folder, 'blocklists/weir.yaml');
  const ours = withPorts(readFileSync(config, 'utf8')).replace('upstreams: []', `upstreams: ['${upstream.url}']`);
  writeFileSync(config, ours);
  // Why: exec, so that the signal that ends this reaches what the block started.
  const script = `exec ${blocks.find((block) => block.kind === 'serve')?.script ?? 'false'}`;
  server = await startProgram('bash', ['-euo', 'pipefail', '-c', script], (output) => output.includes('dig @'), {
    cwd: folder,
    env,
  });
  await untilReady(`http://127.0.0.1:${ports.get('9153')}/readyz`, server);
});

afterAll(async () => {
  const end = await server?.stop();
  await upstream?.stop();
  expect(end?.code).toBe(0);
});

function withPorts(text: string): string {
  let replaced = text;
  for (const [port, free] of ports) replaced = replaced.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), free);
  return replaced;
}

async function missingProgram(script: string): Promise<string | undefined> {
  for (const program of new Set(
    [...script.matchAll(/(?:^|\| )(dig|curl|npx|npm)\b/gm)].map((match) => match[1] ?? ''),
  )) {
    const found = await runProgram('bash', ['-c', `command -v ${program}`], { env });
    if (found.code !== 0) return program;
  }
  return undefined;
}

describe('the commands of the README', () => {
  test('there is one block that starts it', () => {
    expect(blocks.filter((block) => block.kind === 'serve').length).toBe(1);
  });

  test.for(blocks.filter((block) => block.kind === 'run').map((block) => [block.script.trim(), block] as const))(
    '%s',
    async ([script, block], context) => {
      const missing = await missingProgram(script);
      context.skip(missing !== undefined, `${missing} is not on this machine`);
      const result = await runProgram('bash', ['-euo', 'pipefail', '-c', withPorts(script)], { cwd: folder, env });
      expect(result.code, result.stderr).toBe(0);
      const shown = foldSpaces(result.stdout.replaceAll('\r', ''));
      for (const line of block.output) expect(shown).toContain(line);
    },
  );
});
