/**
 * One network asks three times as much as this Weir can answer, which is measured first: it is held to its share, and
 * everybody else is served.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { scaled } from '../support/chaos-scale.ts';
import { runProgram } from '../support/child-program.ts';
import { closeClients, QueryLoad, UdpClient } from '../support/dns-client.ts';
import { type OtherServer, startNsd } from '../support/other-servers.ts';
import { floodName, runFlood } from '../support/udp-flood.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

const CAPACITY_SECONDS = scaled({ short: 2, long: 10 });
const FLOOD_SECONDS = scaled({ short: 5, long: 60 });
const TIMES_CAPACITY = 3;
/** Which is asked of the sender: what it does not send would not be held off either. */
const TIMES_CAPACITY_MIN = 2.5;
/** Enough that the capacity is not measured with names that are cached: a third of them are new. */
const NAMES = 1_500_000;
/** As the limits of one thread are shipped (limits.queriesPerSecondMax, .queriesBurstMax, .responsesPerSecondMax). */
const QUERIES_PER_SECOND = 1_000;
const QUERIES_BURST = 2_000;
const RESPONSES_PER_SECOND = 5_000;
/** Of four addresses, each of them eight times over its limit: held off by the kernel once the queue was full. */
const FLOOD_PER_SECOND_MIN = 4 * 8 * QUERIES_PER_SECOND;
/** What answers beyond the bucket come from: the time that starting and ending the flood takes. */
const SECONDS_AROUND = 3;
const EXEMPT = '127.77.0.1';
const FLOODERS = ['127.66.0.1', '127.66.0.2', '127.66.0.3', '127.66.0.4'];
/** Clients of other prefixes, and milliseconds between two queries of one. */
const OTHERS = ['127.9.0.1', '127.9.1.1', '127.10.0.1'];
const INTERVAL_MS = 5;
/** How much more than its share others may lose where the queue is full, for that comes in lumps; and at the least. */
const TIMES_SHARE = 2;
const LOST_SHARE_MIN = 0.01;

let nsd: OtherServer | undefined;

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
  await nsd?.program.stop();
});

/** Queries a second that it answers when it is asked for all that it can, of the kinds that the flood is of. */
async function capacityOf(weir: WeirProcess): Promise<number> {
  const file = join(weir.folder, 'queries.txt');
  writeFileSync(file, `${Array.from({ length: NAMES }, (_, index) => `${floodName(index)} A`).join('\n')}\n`);
  const load = `-a ${EXEMPT} -l ${CAPACITY_SECONDS} -c 8 -q 500`.split(' ');
  const { stdout } = await runProgram('dnsperf', ['-s', '127.0.0.1', '-p', String(weir.port), '-d', file, ...load]);
  return Number(/Queries per second:\s+(\d+)/.exec(stdout)?.[1]);
}

test(`a flood at ${TIMES_CAPACITY} times the capacity from one prefix for ${FLOOD_SECONDS} s: no query of others that was read is lost`, async () => {
  nsd = await startNsd('net', '* A 192.0.2.1');
  const weir = await startWeirProcess({
    files: { 'list.txt': 'listed.example\n' },
    config: {
      workers: 1,
      upstreams: [`udp://127.0.0.1:${nsd.port}`],
      lists: [{ name: 'list', source: 'list.txt' }],
      limits: { exemptLoopback: false, exempt: [`${EXEMPT}/32`] },
    },
  });
  const capacity = await capacityOf(weir);
  const limited = async (outcome?: string): Promise<number> =>
    weir.metric('weir_limited_queries_total', ...(outcome === undefined ? [] : [`outcome="${outcome}"`]));
  const queriesBefore = await weir.metric('weir_queries_total');
  const others = await Promise.all(
    OTHERS.map(async (address, which) => {
      const client = await UdpClient.open(weir.port, '127.0.0.1', address);
      const names = (index: number): string =>
        index % 2 ? 'listed.example' : `other${which}x${index}.example${which}.net`;
      return new QueryLoad(client, INTERVAL_MS, names);
    }),
  );
  const flood = await runFlood({
    port: weir.port,
    perSecond: TIMES_CAPACITY * capacity,
    seconds: FLOOD_SECONDS,
    addresses: FLOODERS,
  });
  const isHeldOff = weir.logs().some(({ msg }) => msg.startsWith('a flood has filled a queue'));
  const lost = await Promise.all(others.map(async (load) => load.stop()));
  const sent = others.reduce((sum, load) => sum + load.sent, 0);
  const read = (await weir.metric('weir_queries_total')) - queriesBefore - sent;
  const answered = read - (await limited());
  const unread = await weir.metric('weir_kernel_dropped_datagrams_total', 'side="client"');
  process.stdout.write(
    `flood: capacity ${capacity} queries a second; one prefix sent ${flood.sent} in ${flood.seconds.toFixed(1)} s, ` +
      `${(flood.sent / flood.seconds / capacity).toFixed(2)} times that; ${answered} of them were answered in full, ` +
      `${await limited('truncated')} with TC; ${unread} dropped by the kernel, ${isHeldOff ? 'which held the flood off' : 'for want of room'}; ` +
      `${sent} sent by others, ${lost.flat().length} lost\n`,
  );
  expect(flood.sent / flood.seconds).toBeGreaterThan(TIMES_CAPACITY_MIN * capacity);
  // Why not none: the kernel's queue is full where the machine keeps the thread from running for a tenth of a second.
  expect(lost.flat().length).toBeLessThanOrEqual(unread);
  if (unread > 0 && flood.sent / flood.seconds > FLOOD_PER_SECOND_MIN) expect(isHeldOff).toBe(true);
  expect(lost.flat().length / sent).toBeLessThan(LOST_SHARE_MIN + (TIMES_SHARE * unread) / flood.sent);
  for (const load of others) expect([...load.rcodes.keys()]).toEqual([0]);
  // What each address may have at once and in each second, within what the prefix may have; and it does get that.
  const seconds = flood.seconds + SECONDS_AROUND;
  const share = FLOODERS.length * (QUERIES_BURST + QUERIES_PER_SECOND * seconds);
  expect(answered).toBeLessThanOrEqual(Math.min(share, RESPONSES_PER_SECOND * (seconds + 1)));
  expect(answered).toBeGreaterThan(RESPONSES_PER_SECOND);
});
