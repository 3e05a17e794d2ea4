/** What surrounds the process: the machine's own addresses, who reads its output, and more clients than it can serve. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ask, closeClients, decoded, query, UdpClient } from '../support/dns-client.ts';
import { freePort } from '../support/free-port.ts';
import { type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import {
  COMPILE_CACHE,
  defaultConfig,
  newFolder,
  startWeirProcess,
  stopAllWeirs,
  sumOfSamples,
  until,
  weirCommand,
} from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
const list = { lists: [{ name: 'list', source: 'list.txt' }] };
const files = { 'list.txt': 'listed.example\n' };
let upstream: FakeUpstream;

beforeEach(async () => {
  upstream = await startFakeUpstream();
});

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
  await upstream.stop();
});

describe('a wildcard address', () => {
  test('answers on every address of the machine, from the address asked, over UDP and TCP', async () => {
    const weir = await startWeirProcess({
      files,
      config: {
        ...list,
        listen: { do53: ['0.0.0.0:0', '[::]:0'], admin: '127.0.0.1:0', warningPageHttp: '' },
        clients: { allow: ['0.0.0.0/0', '::/0'] },
        workers: 2,
        upstreams: [upstream.url],
      },
    });
    const [v4, v6] = weir.do53;
    const own = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? []).map(({ family, address, scopeid }) => ({
        port: family === 'IPv6' ? v6!.port : v4!.port,
        host: scopeid ? `${address}%${name}` : address,
      })),
    );
    expect(own.length).toBeGreaterThan(0);
    for (const where of own) {
      for (const transport of ['udp', 'tcp'] as const) {
        const { answers } = await ask({ ...where, transport }, 'listed.example');
        expect(answers[0]?.data, `${where.host} ${transport}`).toBe(SINKHOLE);
      }
    }
  });
});

describe('whoever reads the output', () => {
  for (const [what, leave] of [
    ['goes', (stream: NodeJS.ReadableStream & { destroy(): void }) => stream.destroy()],
    ['reads no more', (stream: NodeJS.ReadableStream) => stream.pause()],
  ] as const) {
    test(`${what}: queries are answered, lists change, and SIGTERM still ends it with 0`, async () => {
      const folder = newFolder();
      const [port, adminPort] = [await freePort(), await freePort()];
      const listen = { do53: [`127.0.0.1:${port}`], admin: `127.0.0.1:${adminPort}`, warningPageHttp: '' };
      writeFileSync(join(folder, 'list.txt'), files['list.txt']);
      const config = { ...defaultConfig(folder), ...list, listen, log: { level: 'trace' }, upstreams: [upstream.url] };
      writeFileSync(join(folder, 'weir.yaml'), stringify(config));
      const [command, ...args] = weirCommand(join(folder, 'weir.yaml'));
      const child = spawn(command, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
      });
      const exit = new Promise((resolve) => child.on('exit', resolve));
      try {
        leave(child.stdout);
        leave(child.stderr);
        const metrics = `http://127.0.0.1:${adminPort}/metrics`;
        const entries = async (): Promise<number> =>
          fetch(metrics).then(
            async (response) => sumOfSamples(await response.text(), 'weir_list_entries', []),
            () => 0,
          );
        await until(entries, (count) => count === 1, 'it serves');
        for (let i = 0; i < 300; i++) await (await fetch(`http://127.0.0.1:${adminPort}/nowhere`)).text();
        writeFileSync(join(folder, 'list.txt'), 'listed.example\nlater.example\n');
        await until(entries, (count) => count === 2, 'the list changes');
        expect((await ask({ port }, 'later.example')).answers[0]?.data).toBe(SINKHOLE);
        child.kill('SIGTERM');
        expect(await exit).toBe(0);
      } finally {
        child.kill('SIGKILL');
      }
    });
  }
});

describe('more questions than may wait', () => {
  test('every one gets an answer: at the deadline, or at once where there is no room; blocked names meanwhile too', async () => {
    const weir = await startWeirProcess({
      files,
      config: {
        ...list,
        upstreams: [upstream.url],
        upstreamQueries: { deadlineMs: 2_000, attemptTimeoutMs: 500, outstandingMax: 1_000 },
      },
    });
    upstream.answerWith(() => undefined);
    const client = await UdpClient.open(weir.port);
    const messages = Array.from({ length: 3_000 }, (_, index) => query(`flood${index}.example`));
    for (const [index, message] of messages.entries()) {
      client.send(message);
      // A pause for the sockets' buffers: what the kernel drops is not what is tested.
      if (index % 100 === 99) await client.exchange(query('listed.example'));
    }
    await until(
      () => client.received.length,
      (count) => count >= 3_030,
      'all are answered',
    );
    const rcodes = new Set(client.received.map((message) => decoded(message).rcode));
    expect(rcodes).toEqual(new Set([0, 2]));
    expect(await weir.metric('weir_responses_total')).toBe(await weir.metric('weir_queries_total'));
    expect(await weir.metric('weir_upstream_outstanding')).toBe(0);
    upstream.answerWith((asked) => respond(asked));
    expect((await ask({ port: weir.port }, 'after.example')).answers).toHaveLength(1);
  });
});
