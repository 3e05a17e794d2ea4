/** DNS cookies as dig and kdig speak them: asked for, kept, sent back, and what frees them of the limit on responses. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../support/child-program.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const CLIENT_COOKIE = '2464c4abcf10c957';

/** Two nodes of one anycast set, of two threads each, and one of its own. */
let nodes: WeirProcess[];
let alone: WeirProcess;

function start(workers: number, limits: Record<string, unknown>): Promise<WeirProcess> {
  return startWeirProcess({
    files: { 'list.txt': 'scam.example.org\n' },
    config: {
      workers,
      lists: [{ name: 'police', source: './list.txt' }],
      limits: { exemptLoopback: false, slip: 1, responsesPerSecondMax: 1, ...limits },
    },
  });
}

beforeAll(async () => {
  const cookieSecretFile = join(temporaryFolder('cookies'), 'secret');
  writeFileSync(cookieSecretFile, `${SECRET}\n`);
  nodes = [await start(2, { cookieSecretFile }), await start(2, { cookieSecretFile })];
  alone = await start(1, {});
});

afterAll(stopAllWeirs);

async function ask(program: 'dig' | 'kdig', { port }: WeirProcess, ...args: string[]): Promise<string> {
  const where = ['@127.0.0.1', '-p', String(port), 'scam.example.org', 'A'];
  const { stdout } = await runProgram(program, [...where, ...args]);
  return stdout;
}

/** The whole cookie that dig shows. */
function cookieIn(output: string): string {
  return /^; COOKIE: ([0-9a-f]{48}) \(good\)$/m.exec(output)?.[1] ?? `none in: ${output}`;
}

test('dig finds the cookie of the response good, and the one it sends back good at every node and thread', async () => {
  const cookie = cookieIn(await ask('dig', nodes[0]!, `+cookie=${CLIENT_COOKIE}`));
  expect(cookie.startsWith(CLIENT_COOKIE)).toBe(true);
  for (const node of [...nodes, ...nodes, ...nodes]) {
    const output = await ask('dig', node, `+cookie=${cookie}`, '+nobadcookie');
    expect(output).toContain('status: NOERROR');
    expect(cookieIn(output).startsWith(CLIENT_COOKIE)).toBe(true);
  }
});

test('over its limit, dig is told BADCOOKIE, comes back with the new cookie, and is answered', async () => {
  for (let count = 0; count < 6; count++) await ask('dig', alone, '+nocookie', '+ignore', '+short');
  const output = await ask('dig', alone, `+cookie=${CLIENT_COOKIE}`);
  expect(output).toContain('status: NOERROR');
  expect(cookieIn(output).startsWith(CLIENT_COOKIE)).toBe(true);
  // A cookie of another secret is a stranger's.
  const foreign = cookieIn(await ask('dig', nodes[0]!, `+cookie=${CLIENT_COOKIE}`));
  await expect.poll(() => ask('dig', alone, `+cookie=${foreign}`, '+nobadcookie')).toContain('status: BADCOOKIE');
});

test('kdig is answered with a cookie, over its limit too', async () => {
  for (let count = 0; count < 6; count++) await ask('dig', alone, '+nocookie', '+ignore', '+short');
  const output = await ask('kdig', alone, `+cookie=${CLIENT_COOKIE}`);
  expect(output).toContain('status: NOERROR');
  expect(output).toContain(CLIENT_COOKIE.toUpperCase());
});

test('dig asks for ANY and gets RFC 8482’s record', async () => {
  const { stdout } = await runProgram('dig', [
    '@127.0.0.1',
    '-p',
    String(alone.port),
    'other.example',
    'ANY',
    '+notcp',
  ]);
  expect(stdout).toMatch(/^other\.example\.\s+3600\s+IN\s+HINFO\s+"RFC8482" ""$/m);
});
