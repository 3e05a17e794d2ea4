/** `upstreams: [recursive]` with a stand-in for Unbound: it is started, watched, replaced, and never outlives Weir. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load-config.ts';
import { runProgram } from '../support/child-program.ts';
import { ask, closeClients } from '../support/dns-client.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import {
  newFolder,
  startWeirProcess,
  stopAllWeirs,
  until,
  weirCommand,
  type WeirProcess,
} from '../support/weir-process.ts';

const LISTEN = { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' };
const FAKE = join(PROJECT_ROOT, 'test/support/fake-recursor.mjs');

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
});

function start(recursion: Record<string, unknown> = {}): Promise<WeirProcess> {
  const folder = newFolder();
  const program = join(folder, 'unbound');
  // Why a script: the stand-in must run in the Node of the tests, whatever the machine's own is.
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${FAKE}" "$@"\n`, { mode: 0o755 });
  const listen = { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' };
  return startWeirProcess({
    folder,
    config: { listen, upstreams: ['recursive'], recursion: { program, ...recursion } },
  });
}

/** Process ids of the stand-in that belongs to this Weir. */
async function children(weir: WeirProcess): Promise<number[]> {
  const { stdout } = await runProgram('ps', ['-e', '-o', 'pid=,args=']);
  return stdout
    .split('\n')
    .filter((line) => line.includes(FAKE) && line.includes(weir.folder) && !line.includes('/bin/sh'))
    .map((line) => Number.parseInt(line, 10));
}

async function answers(weir: WeirProcess, name: string): Promise<boolean> {
  const { rcode, answers: records } = await ask(weir, name);
  return rcode === 0 && records.some(({ data }) => data === '192.0.2.7');
}

/** Asks for a name of its own each time, so that no cached failure answers. */
async function untilAnswers(weir: WeirProcess, word: string): Promise<void> {
  let count = 0;
  await until(() => answers(weir, `${word}-${count++}.example`), Boolean, 'an answer');
}

const isEmpty = (found: readonly number[]): boolean => found.length === 0;

test('answers through the recursor that it starts, with a trust anchor and a configuration of its own', async () => {
  const weir = await start();
  expect(await answers(weir, 'www.example')).toBe(true);
  const folder = join(weir.folder, 'state/recursor');
  expect(statSync(folder).mode & 0o077).toBe(0);
  expect(readFileSync(join(folder, 'root.key'), 'utf8')).toContain('20326');
  expect(readFileSync(join(folder, 'unbound.conf'), 'utf8')).toContain('module-config: "validator iterator"');
  expect(await weir.metric('weir_upstream_up', 'upstream="recursive"')).toBe(1);
});

test('starts it again when it ends, on the same port', async () => {
  const weir = await start();
  const [before] = await children(weir);
  expect(before).toBeGreaterThan(0);
  process.kill(before!, 'SIGKILL');
  await weir.log(({ msg }) => msg === 'the recursor has ended and is started again');
  await until(
    () => children(weir),
    ([now]) => now !== undefined && now !== before,
    'another recursor',
  );
  await untilAnswers(weir, 'again');
});

test('replaces it when it is stuck', async () => {
  const weir = await start();
  const [before] = await children(weir);
  await ask(weir, 'hang.example');
  await weir.log(({ msg }) => msg === 'the recursor is stuck and is replaced');
  await until(
    () => children(weir),
    ([now]) => now !== undefined && now !== before,
    'another recursor',
  );
  await untilAnswers(weir, 'after');
}, 40_000);

test('serves without it while its files cannot be written, and takes it when they can', async () => {
  const folder = newFolder();
  const state = join(folder, 'state');
  mkdirSync(state);
  writeFileSync(join(state, 'recursor'), 'a file where a folder should be');
  const program = join(folder, 'unbound');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${FAKE}" "$@"\n`, { mode: 0o755 });
  const weir = await startWeirProcess({
    folder,
    config: { listen: LISTEN, upstreams: ['recursive'], recursion: { program } },
  });
  await weir.log(({ msg }) => msg === 'the files of the recursor cannot be written');
  rmSync(join(state, 'recursor'));
  await untilAnswers(weir, 'later');
}, 60_000);

test('a reload keeps it, one that does not want it stops it', async () => {
  const weir = await start();
  const [before] = await children(weir);
  const program = join(weir.folder, 'unbound');
  weir.writeConfig({ upstreams: ['recursive'], recursion: { program }, cache: { bytesMax: 0 } });
  weir.program.signal('SIGHUP');
  await weir.untilMetric((value) => value === 1, 'weir_config_reloads_total', 'result="ok"');
  expect(await children(weir)).toEqual([before]);
  expect(await answers(weir, 'kept.example')).toBe(true);
  weir.writeConfig({ upstreams: ['udp://127.0.0.1:9'] });
  weir.program.signal('SIGHUP');
  await until(() => children(weir), isEmpty, 'no recursor');
});

test('a reload with other settings starts another one, and queries follow it', async () => {
  const weir = await start();
  const [before] = await children(weir);
  const program = join(weir.folder, 'unbound');
  weir.writeConfig({ upstreams: ['recursive'], recursion: { program, cacheBytesMax: 33_554_432 } });
  weir.program.signal('SIGHUP');
  await weir.untilMetric((value) => value === 1, 'weir_config_reloads_total', 'result="ok"');
  const after = await children(weir);
  expect(after).toHaveLength(1);
  expect(after).not.toEqual([before]);
  await untilAnswers(weir, 'other');
});

test.each(['SIGTERM', 'SIGKILL'] as const)('ends with Weir, by %s too', async (signal) => {
  const weir = await start();
  expect(await children(weir)).toHaveLength(1);
  weir.program.signal(signal);
  await weir.program.ended();
  await until(() => children(weir), isEmpty, 'no recursor');
});

test.each([
  ['stateDirectory', "stateDirectory: 'state\"of weir'"],
  ['recursion.include', "recursion: { include: 'more\"settings.conf' }"],
])('takes no %s with a double quote, which Unbound could not read', (key, settings) => {
  const outcome = parseConfig(`upstreams: [recursive]\n${settings}\n`, newFolder());
  const problems = outcome.kind === 'ok' ? [] : outcome.problems.map(({ path, message }) => `${path}: ${message}`);
  expect(problems).toContain(`${key}: Unbound takes no path with a double quote or a line break in it`);
});

test('says what to install where there is no recursor, with exit code 78', async () => {
  const folder = newFolder();
  const file = join(folder, 'weir.yaml');
  writeFileSync(file, 'upstreams: [recursive]\nrecursion: { program: ./missing }\nlisten: { do53: ["127.0.0.1:0"] }\n');
  const [command, ...args] = weirCommand(file);
  const { code, stderr } = await runProgram(command, args);
  expect(code).toBe(78);
  expect(stderr).toContain('upstreams[0] (line 1): "recursive" needs Unbound');
  expect(stderr).toContain('apt-get install unbound');
});
