/** dnsdist in front, speaking the PROXY protocol: the client behind it is the client, over UDP and TCP. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningProgram, runProgram, startProgram } from '../support/child-program.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

let weir: WeirProcess;
let dnsdist: RunningProgram;
let port: number;

beforeAll(async () => {
  weir = await startWeirProcess({
    files: { 'list.txt': 'scam.example.org\n' },
    config: {
      listen: {
        do53: ['127.0.0.1:0'],
        admin: '127.0.0.1:0',
        warningPageHttp: '',
        proxyProtocol: ['127.0.0.1/32'],
      },
      lists: [{ name: 'police', source: './list.txt' }],
      clients: { allow: ['127.0.0.9/32', '127.0.0.10/32'] },
      limits: { exemptLoopback: false, queriesPerSecondMax: 1, queriesBurstMax: 50, excess: 'refuse' },
    },
  });
  port = await freePort();
  const file = join(temporaryFolder('dnsdist'), 'dnsdist.conf');
  writeFileSync(
    file,
    `setSecurityPollSuffix("")
addLocal("127.0.0.1:${port}")
newServer({address="127.0.0.1:${weir.port}", useProxyProtocol=true}):setUp()
`,
  );
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin` };
  const isReady = (output: string): boolean => output.includes(`Listening on 127.0.0.1:${port}`);
  dnsdist = await startProgram('dnsdist', ['--supervised', '--disable-syslog', '-C', file], isReady, { env });
});

afterAll(async () => {
  await dnsdist?.stop();
  await stopAllWeirs();
});

async function status(client: string, ...args: string[]): Promise<string> {
  const where = ['@127.0.0.1', '-p', String(port), '-b', client, 'scam.example.org', 'A'];
  const { stdout } = await runProgram('dig', [...where, '+nocookie', ...args]);
  return /status: (\w+)/.exec(stdout)?.[1] ?? stdout;
}

test.each([['+notcp'], ['+tcp']])('%s: who is served is the client, not dnsdist', async (transport) => {
  await expect.poll(() => status('127.0.0.9', transport)).toBe('NOERROR');
  expect(await status('127.0.0.8', transport)).toBe('REFUSED');
  expect(await weir.metric('weir_dropped_queries_total', 'reason="proxyHeader"')).toBe(0);
});

test('limits count the client, not dnsdist', async () => {
  const many = Array.from({ length: 200 }, () => 'scam.example.org');
  await runProgram('dig', ['@127.0.0.1', '-p', String(port), '-b', '127.0.0.9', '+short', ...many]);
  expect(await weir.metric('weir_limited_queries_total', 'limit="queries"', 'outcome="refused"')).toBeGreaterThan(0);
  expect(await status('127.0.0.10')).toBe('NOERROR');
});

test('who asks Weir from dnsdist’s address without a header gets nothing', async () => {
  const { stdout } = await runProgram('dig', [
    '@127.0.0.1',
    '-p',
    String(weir.port),
    'a.example',
    '+tries=1',
    '+time=1',
  ]);
  expect(stdout).toMatch(/timed out|no servers could be reached/);
});
