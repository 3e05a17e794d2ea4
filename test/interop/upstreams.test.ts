/** Weir in front of real servers: a recursor (Unbound), and two upstreams of which one goes away. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../support/child-program.ts';
import { startNsd, startUnbound, type OtherServer } from '../support/other-servers.ts';
import { startWeir, type RunningWeir } from '../support/running-weir.ts';

const ZONE = 'example.net';
const records = Array.from({ length: 200 }, (_, index) => `host${index} A 192.0.2.${index}`).join('\n');

let nsd: OtherServer;
let unbound: OtherServer;
let weir: RunningWeir | undefined;

beforeAll(async () => {
  nsd = await startNsd(ZONE, records);
  unbound = await startUnbound(ZONE, nsd.port);
});

afterAll(async () => {
  await weir?.program.stop();
  await unbound?.program.stop();
  await nsd?.program.stop();
});

async function short(port: number, name: string, ...args: string[]): Promise<string> {
  const { stdout } = await runProgram('dig', ['@127.0.0.1', '-p', String(port), name, '+short', ...args]);
  return stdout.trim();
}

test.each(['udp', 'tcp'])('answers through a recursor over %s', async (protocol) => {
  weir = await startWeir({ config: { upstreams: [`${protocol}://127.0.0.1:${unbound.port}`] } });
  for (let index = 0; index < 20; index++) {
    expect(await short(weir.dnsPort, `host${index}.${ZONE}`)).toBe(`192.0.2.${index}`);
  }
  expect(await weir.metric('weir_upstream_queries_total', 'outcome="answered"')).toBeGreaterThanOrEqual(20);
  await weir.program.stop();
});

test('goes on answering when one of two upstreams is gone, and says which', async () => {
  const second = await startUnbound(ZONE, nsd.port);
  const gone = `udp://127.0.0.1:${second.port}`;
  weir = await startWeir({ config: { upstreams: [`udp://127.0.0.1:${unbound.port}`, gone] } });
  expect(await short(weir.dnsPort, `host20.${ZONE}`)).toBe('192.0.2.20');
  await second.program.stop();
  for (let index = 21; index < 60; index++) {
    expect(await short(weir.dnsPort, `host${index}.${ZONE}`)).toBe(`192.0.2.${index}`);
  }
  expect(await weir.metric('weir_responses_total', 'rcode="SERVFAIL"')).toBe(0);
  await weir.program.stop();
});

test('serves a stale answer when the only upstream is gone, and says so', async () => {
  const only = await startNsd('example.org', 'brief 1 A 192.0.2.7');
  weir = await startWeir({
    config: {
      upstreams: [`udp://127.0.0.1:${only.port}`],
      upstreamQueries: { deadlineMs: 1500, attemptTimeoutMs: 300 },
      cache: { prefetch: false },
    },
  });
  expect(await short(weir.dnsPort, 'brief.example.org')).toBe('192.0.2.7');
  await only.program.stop();
  await expect
    .poll(
      async () => {
        expect(await short(weir?.dnsPort ?? 0, 'brief.example.org')).toBe('192.0.2.7');
        return weir?.metric('weir_cache_stale_answers_total');
      },
      { timeout: 20_000, interval: 300 },
    )
    .toBeGreaterThan(0);
});
