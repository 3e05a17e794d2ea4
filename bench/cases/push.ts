/**
 * Changes of a list that takes pushes, beside a large list: how long until one name is blocked, and answered again, on a
 * Weir with 1,000,000 names (10,000,000 with --huge); what a bulk change costs; how long a node that follows the list as a
 * feed is behind, and how many octets it fetches for one name and for the whole. Everything of Weir on one processor, with
 * two resolver threads, which are both asked.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../../src/clock.ts';
import { generateKey } from '../../src/control-plane/feed/minisign-secret-key.ts';
import { openLedgerDatabase } from '../../src/control-plane/ledger/open-database.ts';
import { TokenStore } from '../../src/control-plane/ledger/token-store.ts';
import { listData, type ListData } from '../list-data.ts';
import { SINKHOLE_ADDRESS, writePlain } from '../list-files.ts';
import { addressesOf, ask } from '../probe.ts';
import { cpuMicroseconds, peakBytes } from '../process-usage.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { percentile } from '../statistics.ts';
import { startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';

const SIZES = [1_000_000];
const HUGE = 10_000_000;
const PUSHES = 200;
const BULK_ENTRIES = 1_000_000;
const FEED_PUSHES = 50;
const FEED_ENTRIES = 100_000;
/** No divisor of the sizes of lists here. */
const MIXING_PRIME = 7_919;
/** Of a name that has a suffix added. */
const NAME_CHARACTERS_MAX = 200;
/** Case numbers that a bulk change has. */
const CASES = 5_000;
const ASK_TIMEOUT_MS = 1_000;
const WITHIN_MS = 60_000;
const PAUSE_MS = 2;
const THREADS = 2;
/** Sockets that ask at once; the kernel deals them to threads: one in 128 times all are the same thread's. */
const ASKERS = 8;
const LIST = 'desk';

interface Desk {
  readonly server: WeirServer;
  readonly token: string;
}

function tokenIn(folder: string): string {
  const state = join(folder, 'state');
  mkdirSync(state, { recursive: true });
  const db = openLedgerDatabase(state);
  try {
    const rights = ['push', 'read'] as const;
    return new TokenStore(db).create({ maintainer: 'bench', lists: [LIST], rights, by: 'bench', expiresAtSeconds: 0 });
  } finally {
    db.close();
  }
}

async function send({ server, token }: Desk, body: string, contentType: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.adminUrl}/v1/lists/${LIST}/changes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
    body,
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.status !== 200) throw new Error(`${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

function change(desk: Desk, add: readonly string[], remove: readonly string[]): Promise<Record<string, unknown>> {
  const body = JSON.stringify({ add: add.map((name) => ({ name })), remove, reason: 'a benchmark' });
  return send(desk, body, 'application/json');
}

async function until(port: number, name: string, isBlocked: boolean): Promise<void> {
  const end = monotonicMs() + WITHIN_MS;
  for (;;) {
    const [address] = addressesOf(await ask(port, { name, edns: false }, ASK_TIMEOUT_MS)) ?? [];
    if (address !== undefined && (address === SINKHOLE_ADDRESS) === isBlocked) return;
    if (monotonicMs() > end) throw new Error(`${name} is not ${isBlocked ? 'blocked' : 'answered'} in time`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Asked of several sockets at once, so that every thread is. */
async function untilOnAll(port: number, name: string, isBlocked: boolean): Promise<void> {
  await Promise.all(Array.from({ length: ASKERS }, () => until(port, name, isBlocked)));
}

/** Until answered, and from there until each of several sockets has an answer over DNS that has it. */
async function timed(desk: Desk, name: string, isBlocked: boolean): Promise<{ ackMs: number; inForceMs: number }> {
  const begin = monotonicMs();
  await change(desk, isBlocked ? [name] : [], isBlocked ? [] : [name]);
  const acknowledged = monotonicMs();
  await untilOnAll(desk.server.port, name, isBlocked);
  return { ackMs: acknowledged - begin, inForceMs: monotonicMs() - acknowledged };
}

async function oneByOne(context: CaseContext, desk: Desk, names: number): Promise<Row[]> {
  const words = Array.from({ length: PUSHES }, () => `${context.uniqueWord()}.example.com`);
  const rows: Row[] = [];
  for (const [what, isBlocked] of [
    ['block', true],
    ['withdrawal', false],
  ] as const) {
    const before = cpuMicroseconds(desk.server.pids);
    const taken: { ackMs: number; inForceMs: number }[] = [];
    for (const name of words) taken.push(await timed(desk, name, isBlocked));
    const cpuMs = (cpuMicroseconds(desk.server.pids) - before) / 1000 / PUSHES;
    const of = (percent: number, value: (one: (typeof taken)[number]) => number): number =>
      percentile(taken.map(value), percent);
    rows.push({
      case: 'push',
      server: 'weir',
      parameters: { names, change: what, changes: PUSHES },
      values: {
        ackP50Ms: of(50, ({ ackMs }) => ackMs),
        ackP99Ms: of(99, ({ ackMs }) => ackMs),
        afterAckP50Ms: of(50, ({ inForceMs }) => inForceMs),
        afterAckP99Ms: of(99, ({ inForceMs }) => inForceMs),
        cpuMs,
      },
    });
  }
  return rows;
}

/** A list's names below a suffix of their own, so that nothing else has them; the last one is asked for. */
function bulkNames(list: ListData, word: string): string[] {
  const suffix = `.${word}.example.net`;
  // Why mixed: nobody sends a list in the order in which it is kept.
  const names = Array.from({ length: list.count }, (_, i) => list.nameAt((i * MIXING_PRIME) % list.count));
  return names.map((name, i) => (name.length > NAME_CHARACTERS_MAX ? `long${i}${suffix}` : `${name}${suffix}`));
}

interface Bulk {
  readonly body: string;
  readonly count: number;
  /** Of the last entry. */
  readonly name: string;
}

/** Made before a server is started: that takes seconds, after which it has closed the connection that was open. */
async function makeBulk(context: CaseContext, count: number): Promise<Bulk> {
  const names = bulkNames(await listData(count), context.uniqueWord());
  const lines = [JSON.stringify({ reason: 'a benchmark' })];
  for (const [i, name] of names.entries()) {
    lines.push(JSON.stringify({ add: { name, category: 'fraud', reference: `case ${i % CASES}` } }));
  }
  return { body: lines.join('\n'), count, name: names.at(-1)! };
}

async function inBulk(context: CaseContext, desk: Desk, names: number, { body, count, name }: Bulk): Promise<Row> {
  const begin = monotonicMs();
  const before = cpuMicroseconds(desk.server.pids);
  const answer = await send(desk, body, 'application/x-ndjson');
  const ackMs = monotonicMs() - begin;
  if (answer['accepted'] !== count) context.problem(`push: ${String(answer['accepted'])} of a bulk change`);
  await until(desk.server.port, name, true);
  return {
    case: 'push',
    server: 'weir',
    parameters: { names, change: 'bulk', changes: count },
    values: {
      ackMs,
      cpuMs: (cpuMicroseconds(desk.server.pids) - before) / 1000,
      peakBytes: peakBytes(desk.server.pids),
    },
  };
}

async function beside(context: CaseContext, names: number): Promise<Row[]> {
  const folder = serverFolder(context.folder, `push-${names}`);
  const list = await listData(names);
  const listFile = join(folder, 'list.txt');
  writePlain(listFile, list);
  const token = tokenIn(folder);
  const own = { lists: [{ name: LIST, source: 'push' }] };
  const bulk = await makeBulk(context, BULK_ENTRIES);
  const server = await startWeirServer(context, {
    folder,
    list,
    listFiles: [listFile],
    threads: THREADS,
    cores: context.cores.server,
    own,
  });
  try {
    const rows = await oneByOne(context, { server, token }, names);
    return [...rows, await inBulk(context, { server, token }, names, bulk)];
  } finally {
    await server.program.stop();
  }
}

/** A hub and a node that follows it, each with the same small file beside. */
async function followed(context: CaseContext): Promise<Row> {
  const list = await listData(1_000);
  const bulk = await makeBulk(context, FEED_ENTRIES);
  const cores = context.cores.server;
  const hubFolder = serverFolder(context.folder, 'push-hub');
  const nodeFolder = serverFolder(context.folder, 'push-node');
  const key = await generateKey(undefined);
  const keyFile = join(hubFolder, 'feed.key');
  writeFileSync(keyFile, key.secretKeyFile, { mode: 0o600 });
  const token = tokenIn(hubFolder);
  const tokenFile = join(nodeFolder, 'hub.token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const started = async (folder: string, own: Parameters<typeof startWeirServer>[1]['own']): Promise<WeirServer> => {
    const listFile = join(folder, 'list.txt');
    writePlain(listFile, list);
    return startWeirServer(context, { folder, list, listFiles: [listFile], threads: 1, cores, ...(own && { own }) });
  };
  const hub = await started(hubFolder, {
    lists: [{ name: LIST, source: 'push' }],
    keys: { feeds: { publish: [LIST], secretKey: keyFile } },
  });
  const desk = { server: hub, token };
  await send(desk, bulk.body, 'application/x-ndjson');
  const source = `feed+${hub.adminUrl}/v1/feeds/${LIST}/`;
  const node = await started(nodeFolder, {
    lists: [{ name: LIST, source, feedKeys: [key.publicKey.text], tokenFile }],
  });
  try {
    await until(node.port, bulk.name, true);
    const taken: number[] = [];
    for (let push = 0; push < FEED_PUSHES; push++) {
      const name = `${context.uniqueWord()}.example.com`;
      await change(desk, [name], []);
      const acknowledged = monotonicMs();
      await until(node.port, name, true);
      taken.push(monotonicMs() - acknowledged);
    }
    const folderOfFeed = join(hubFolder, 'state', 'feeds', LIST);
    const manifest = readFileSync(join(folderOfFeed, 'manifest.json'), 'utf8');
    const { snapshot, deltas } = JSON.parse(manifest) as {
      snapshot: { bytes: number };
      deltas: { bytes: number }[];
    };
    return {
      case: 'push',
      server: 'weir',
      parameters: { names: FEED_ENTRIES, change: 'followed', changes: FEED_PUSHES },
      values: {
        afterAckP50Ms: percentile(taken, 50),
        afterAckP99Ms: percentile(taken, 99),
        snapshotBytes: snapshot.bytes,
        deltaBytes: deltas.at(-1)?.bytes ?? 0,
        manifestBytes: Buffer.byteLength(manifest) + statSync(join(folderOfFeed, 'manifest.json.minisig')).size,
      },
    };
  } finally {
    await node.program.stop();
    await hub.program.stop();
  }
}

export const push: BenchCase = {
  name: 'push',
  title: 'changes of a push list beside 1,000,000 names (10,000,000 with --huge), in bulk, and as a feed',
  listNames: 1_000,
  run: async (context) => {
    const rows: Row[] = [];
    for (const names of context.options.huge ? [...SIZES, HUGE] : SIZES) rows.push(...(await beside(context, names)));
    rows.push(await followed(context));
    return rows;
  },
};
