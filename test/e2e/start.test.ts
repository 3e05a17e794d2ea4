/** Starts that fail, or that do with less: what the person who started it reads, and the exit code. */
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type ProgramResult, runProgram } from '../support/child-program.ts';
import { ask } from '../support/dns-client.ts';
import { freePort } from '../support/free-port.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import {
  COMPILE_CACHE,
  defaultConfig,
  newFolder,
  startWeirProcess,
  stopAllWeirs,
  until,
  weirCommand,
  type WeirProcess,
} from '../support/weir-process.ts';

const ISROOT = process.getuid?.() === 0;
const NOBODY = 65_534;
const CACHED = { NODE_COMPILE_CACHE: COMPILE_CACHE };
const asNobody = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
];

afterEach(stopAllWeirs);

interface Run {
  readonly config?: Record<string, unknown>;
  readonly files?: Record<string, string>;
  readonly prefix?: readonly string[];
  readonly text?: string;
  readonly prepare?: (folder: string) => void;
}

/** A start that must end by itself. */
async function run({ config = {}, files = {}, prefix = [], text, prepare }: Run): Promise<ProgramResult> {
  const folder = newFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, 'weir.yaml'), text ?? stringify({ ...defaultConfig(folder), ...config }));
  if (prefix.length > 0) openTo(folder, NOBODY);
  prepare?.(folder);
  const [command, ...args] = [...prefix, ...weirCommand(join(folder, 'weir.yaml'))];
  const result = await runProgram(command!, args, { cwd: folder, env: CACHED });
  rmSync(folder, { recursive: true });
  return { ...result, stderr: result.stderr.replaceAll(folder, 'FOLDER') };
}

function openTo(folder: string, uid: number): void {
  chownSync(folder, uid, uid);
  for (const name of readdirSync(folder)) chownSync(join(folder, name), uid, uid);
}

const listen = (changes: Record<string, unknown>) => ({
  listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '127.0.0.1:0', ...changes },
});

function inUse(key: string, port: number): string {
  return `weir: cannot listen on 127.0.0.1:${port}: another program has that port; stop it (ss -lntup shows it) or change ${key}\n`;
}

describe('a port that another program has', () => {
  test('UDP', async () => {
    const port = await freePort();
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    const { code, stderr } = await run({ config: listen({ do53: [`127.0.0.1:${port}`] }) });
    socket.close();
    expect([code, stderr]).toEqual([1, inUse('listen.do53', port)]);
  });

  for (const [key, setting] of [
    ['listen.do53', (port: number) => ({ do53: [`127.0.0.1:${port}`] })],
    ['listen.admin', (port: number) => ({ admin: `127.0.0.1:${port}` })],
    ['listen.warningPageHttp', (port: number) => ({ warningPageHttp: `127.0.0.1:${port}` })],
  ] as const) {
    test(`TCP, for ${key}`, async () => {
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const { code, stderr } = await run({ config: listen(setting(port)) });
      server.close();
      expect([code, stderr]).toEqual([1, inUse(key, port)]);
    });
  }

  test('of a Weir, by a second one with a state directory of its own', async () => {
    const first = await startWeirProcess();
    first.writeConfig({ stateDirectory: './other' });
    const { code, stderr } = await runProgram(process.execPath, weirCommand(first.configFile).slice(1), {
      env: CACHED,
    });
    // Why do53: threads share that port among themselves, and two Weirs would share it in silence.
    expect([code, stderr]).toEqual([1, inUse('listen.do53', first.port)]);
  });

  test('a second Weir with the configuration of a first one', async () => {
    const first = await startWeirProcess();
    first.writeConfig({});
    const { code, stderr } = await runProgram(process.execPath, weirCommand(first.configFile).slice(1), {
      env: CACHED,
    });
    const text = `weir: another Weir runs on ${first.folder}/state: succeed it with --take-over, or set stateDirectory for one of them\n`;
    expect([code, stderr]).toEqual([1, text]);
  });
});

describe('an address', () => {
  test.skipIf(!ISROOT)(
    'below 1024 for someone who may not: says which capability is needed (by root alone: runs as nobody)',
    async () => {
      const { code, stderr } = await run({ config: listen({ do53: ['127.0.0.1:53'] }), prefix: asNobody });
      expect([code, stderr]).toEqual([
        1,
        'weir: cannot listen on 127.0.0.1:53: not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE\n',
      ]);
    },
  );

  test('that this machine does not have: the only one is an error', async () => {
    const { code, stderr } = await run({ config: listen({ do53: ['192.0.2.77:5300'] }) });
    expect([code, stderr]).toEqual([
      1,
      'weir: cannot listen on 192.0.2.77:5300: this machine has no such address; change listen.do53\n',
    ]);
  });

  test('that this machine does not have, beside one that it has: left out, and said', async () => {
    const weir = await startWeirProcess({ config: listen({ do53: ['127.0.0.1:0', '192.0.2.77:5300'] }) });
    await weir.program.waitForOutput((output) =>
      output.includes('Left out, because this machine has no such address: 192.0.2.77:5300.'),
    );
    expect(weir.do53).toHaveLength(1);
  });
});

describe('a bad configuration: exit code 78 and every problem at once', () => {
  test('wrong types, unknown keys, bad addresses', async () => {
    const { code, stderr } = await run({
      config: {
        ...listen({ do53: ['localhost'] }),
        workers: 'many',
        upstreem: [],
        lists: [{ name: 'A B', source: 'ftp://lists.example/' }],
      },
    });
    expect(code).toBe(78);
    for (const part of [
      'listen.do53[0]',
      'workers',
      'upstreem',
      'did you mean "upstreams"',
      'lists[0].name',
      'lists[0].source',
    ]) {
      expect(stderr).toContain(part);
    }
  });

  test('text that is no YAML', async () => {
    const { code, stderr } = await run({ text: 'lists: [\n  a: {\n' });
    expect(code).toBe(78);
    expect(stderr).toContain('not valid YAML');
  });

  test('a file that is not there', async () => {
    const result = await runProgram(process.execPath, weirCommand('/nonexistent/weir.yaml').slice(1));
    expect(result.code).toBe(78);
    expect(result.stderr).toContain('/nonexistent/weir.yaml');
    expect(result.stderr).toContain('no such file');
  });

  test('an allow file that is not there', async () => {
    const { code, stderr } = await run({ config: { allow: ['gone.txt'] } });
    expect(code).toBe(78);
    expect(stderr).toContain('allow[0]');
    expect(stderr).toContain('cannot read FOLDER/gone.txt: no such file');
  });

  test.skipIf(!ISROOT)('a protected file that may not be read (by root alone: runs as nobody)', async () => {
    const { code, stderr } = await run({
      config: { protected: ['secret.txt'] },
      files: { 'secret.txt': 'bank.example\n' },
      prefix: asNobody,
      prepare: (folder) => {
        chownSync(join(folder, 'secret.txt'), 0, 0);
        chmodSync(join(folder, 'secret.txt'), 0o600);
      },
    });
    expect(code).toBe(78);
    expect(stderr).toContain('cannot read FOLDER/secret.txt: permission denied');
  });
});

async function readiness(weir: WeirProcess): Promise<string> {
  return (await fetch(`${weir.adminUrl}/readyz`)).text();
}

describe('lists', () => {
  const list = { name: 'list', source: 'list.txt' };

  test('a file that is not there: the rest is served, /readyz and the welcome say so, and it is read when it comes', async () => {
    const weir = await startWeirProcess({
      files: { 'other.txt': 'other.example\n' },
      config: { lists: [list, { name: 'other', source: 'other.txt' }] },
    });
    expect((await ask({ port: weir.port }, 'other.example')).answers[0]?.data).toBe('192.0.2.53');
    expect(await readiness(weir)).toMatch(/"state":"failed".*list\.txt does not exist/);
    await weir.program.waitForOutput((output) => /List list is not loaded: .*list\.txt does not exist/.test(output));
    expect(await weir.metric('weir_list_sync_failures_total', 'list="list"', 'reason="unreadable"')).toBe(1);
    weir.write('list.txt', 'late.example\n');
    await weir.untilMetric((entries) => entries === 1, 'weir_list_entries', 'list="list"');
    expect((await ask({ port: weir.port }, 'late.example')).answers[0]?.data).toBe('192.0.2.53');
  });

  test('a file that is gone since the last start: its last good copy is in force', async () => {
    const first = await startWeirProcess({ files: { 'list.txt': 'listed.example\n' }, config: { lists: [list] } });
    await until(
      () => readdirSync(join(first.folder, 'state')).length,
      (count) => count > 0,
      'the last good copy is written',
    );
    await first.stop();
    rmSync(join(first.folder, 'list.txt'));
    const second = await startWeirProcess({ folder: first.folder, config: { lists: [list] } });
    expect((await ask({ port: second.port }, 'listed.example')).answers[0]?.data).toBe('192.0.2.53');
    expect(await readiness(second)).toMatch(/"version":1.*list\.txt does not exist/);
  });

  test('an empty file, a page, a truncated gzip: refused with the reason', async () => {
    const weir = await startWeirProcess({
      files: { 'empty.txt': '', 'page.txt': '<!DOCTYPE html><html><body>404</body></html>\n' },
      config: {
        lists: [
          { name: 'empty', source: 'empty.txt' },
          { name: 'page', source: 'page.txt' },
        ],
      },
    });
    const failures = weir.exposition();
    expect(await failures).toMatch(/weir_list_sync_failures_total{list="empty",reason="empty"} 1/);
    expect(await failures).toMatch(/weir_list_sync_failures_total{list="page",reason="html"} 1/);
  });
});

async function expectServedWithoutCopies(weir: WeirProcess): Promise<void> {
  expect((await ask({ port: weir.port }, 'listed.example')).answers[0]?.data).toBe('192.0.2.53');
  await weir.log(({ level, msg }) => level === 'warn' && msg.endsWith('lists work without last good copies'));
  expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(200);
}

describe('the state directory', () => {
  const files = { 'list.txt': 'listed.example\n' };
  const config = { lists: [{ name: 'list', source: 'list.txt' }] };

  test('that is a file: served without last good copies, and said', async () => {
    await expectServedWithoutCopies(await startWeirProcess({ files: { ...files, state: '' }, config }));
  });

  test.skipIf(!ISROOT)(
    'that is read-only: served without last good copies, and said (by root alone: runs as nobody)',
    async () => {
      const folder = newFolder();
      mkdirSync(join(folder, 'state'), { mode: 0o555 });
      chmodSync(folder, 0o755);
      await expectServedWithoutCopies(await startWeirProcess({ folder, files, config, prefix: asNobody }));
    },
  );

  test('that is deleted under way: a later change is in force all the same', async () => {
    const weir = await startWeirProcess({ files, config });
    rmSync(join(weir.folder, 'state'), { recursive: true, force: true });
    weir.write('list.txt', 'listed.example\nnew.example\n');
    await weir.untilMetric((entries) => entries === 2, 'weir_list_entries', 'list="list"');
    expect((await ask({ port: weir.port }, 'new.example')).answers[0]?.data).toBe('192.0.2.53');
  });
});

describe('upstreams', () => {
  test('none configured: those of the system, and the welcome names what is used', async () => {
    const weir = await startWeirProcess({ config: { upstreams: [] } });
    const output = await weir.program.waitForOutput((text) => text.includes('everything else goes to'));
    expect(output).toMatch(/everything else goes to (udp:\/\/[^ ]+|nobody, for no upstream is configured)/);
  });

  test('the welcome says where it listens, how many names it blocks and where the rest goes', async () => {
    const upstream = await startFakeUpstream();
    const weir = await startWeirProcess({
      files: { 'list.txt': 'a.example\nb.example\n' },
      config: { upstreams: [upstream.url], lists: [{ name: 'list', source: 'list.txt' }] },
    });
    const output = await weir.program.waitForOutput((text) => text.includes('Ctrl-C stops it.'));
    expect(output).toContain(
      `Weir answers DNS on 127.0.0.1:${weir.port} (UDP and TCP) and blocks 2 listed names from 1 list`,
    );
    expect(output).toContain(`everything else goes to ${upstream.url}.`);
    expect(output).toContain(`dig @127.0.0.1 -p ${weir.port}`);
    await upstream.stop();
  });
});
