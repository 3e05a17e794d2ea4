/** A real Weir whose lists are pulled: what their guards hold, and people let through by the ledger. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, query, UdpClient } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { maintainerOf, type Maintainer } from '../support/maintainer.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
const REAL = '192.0.2.1';
/** One in 16 of them is counted: none of 400 would be a chance of 1 in 10^11. */
const CLIENTS = 400;
/** Two starts of a process, on a machine that may be busy. */
const TEST_MS = 120_000;

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

function names(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `n${from + index}.example\n`).join('');
}

async function start(content: string, more: Readonly<Record<string, unknown>> = {}): Promise<WeirProcess> {
  return startWeirProcess({
    files: { 'list.txt': content },
    config: { upstreams: [upstream.url], lists: [{ name: 'list', source: './list.txt' }], ...more },
  });
}

async function addressOf(weir: WeirProcess, name: string): Promise<string> {
  return (await ask({ port: weir.port }, name)).answers.at(-1)?.data ?? 'none';
}

/** The only open hold, once there is one. */
async function openHold(desk: Maintainer): Promise<Record<string, unknown>> {
  const first = async (): Promise<Record<string, unknown>> => {
    const { body } = await desk.get('/v1/holds?state=open');
    return (body['holds'] as Record<string, unknown>[])[0] ?? {};
  };
  return until(first, (hold) => 'id' in hold, 'a hold');
}

test(
  'an update that removes too much waits, shows itself, and is let through by a person',
  { timeout: TEST_MS },
  async () => {
    const weir = await start(names(0, 3000));
    const desk = maintainerOf(weir);
    expect(await addressOf(weir, 'n2000.example')).toBe(SINKHOLE);
    weir.write('list.txt', names(0, 1000));
    const hold = await openHold(desk);
    expect(hold).toMatchObject({ list: 'list', kind: 'update', guard: 'shrink' });
    expect(await addressOf(weir, 'n2000.example')).toBe(SINKHOLE);
    const { body } = await desk.get('/v1/lists');
    expect(body['lists']).toMatchObject([{ name: 'list', version: 1, entries: 3000, heldUpdate: { guard: 'shrink' } }]);
    expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${weir.adminUrl}/metrics`)).text()).toContain(
      'weir_list_guard_holds{list="list",guard="shrink"} 1',
    );
    expect((await desk.post(`/v1/holds/${String(hold['id'])}/release`, { reason: 'a test' })).status).toBe(200);
    expect(await addressOf(weir, 'n2000.example')).toBe(REAL);
    expect(await addressOf(weir, 'n10.example')).toBe(SINKHOLE);
  },
);

test(
  'an entry that many ask for waits, also after a restart, and is let through by a person',
  { timeout: TEST_MS },
  async () => {
    const more = { blastRadius: { sharePercent: 1, queriesMin: 16 }, clients: { allow: ['127.0.0.0/8'] } };
    let weir = await start('quiet.example\n', more);
    for (let from = 0; from < CLIENTS; from += 100) {
      const asking = Array.from({ length: 100 }, async (_, index) => {
        const address = `127.1.${(from + index) >>> 8}.${(from + index) & 255}`;
        const client = await UdpClient.open(weir.port, '127.0.0.1', address);
        await client.exchange(query('www.shop.example'));
        client.close();
      });
      await Promise.all(asking);
    }
    await weir.stop();
    weir = await startWeirProcess({
      folder: weir.folder,
      files: { 'list.txt': 'quiet.example\nshop.example\n' },
      config: { upstreams: [upstream.url], lists: [{ name: 'list', source: './list.txt' }], ...more },
    });
    const desk = maintainerOf(weir);
    const hold = await openHold(desk);
    expect(hold).toMatchObject({ kind: 'listEntry', name: 'shop.example', guard: 'blastRadius' });
    expect(hold['detail']).toMatch(/^it would have blocked about \d+ of \d+ queries/);
    expect(await addressOf(weir, 'www.shop.example')).toBe(REAL);
    expect(await addressOf(weir, 'quiet.example')).toBe(SINKHOLE);
    expect((await desk.post(`/v1/holds/${String(hold['id'])}/release`, { reason: 'a test' })).status).toBe(200);
    expect(await addressOf(weir, 'www.shop.example')).toBe(SINKHOLE);
  },
);
