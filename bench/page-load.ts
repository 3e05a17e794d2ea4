/**
 * Readers of the warning page: a given number of views a second, whatever the server does, each from an address of its own
 * and by a connection of its own, as subscribers come. A view counts when the whole page for the name asked has arrived.
 */
import { type Socket, connect } from 'node:net';
import { monotonicMs } from '../src/clock.ts';
import { percentile } from './statistics.ts';

const TICK_MS = 2;
/** Views that are not over; beyond it one is not begun and counts as failed. */
const OPEN_MAX = 1_000;
const VIEW_TIMEOUT_MS = 5_000;
const LANGUAGES = ['zh-CN,zh;q=0.9', 'en-GB,en;q=0.8', 'ug,zh;q=0.5'];

export interface PageLoad {
  readonly port: number;
  /** The host of a view; any number may come. */
  readonly nameAt: (index: number) => string;
  readonly seconds: number;
  readonly viewsPerSecond: number;
}

export interface PageReport {
  /** Whole pages. */
  readonly views: number;
  readonly failed: number;
  readonly viewsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export async function runPageLoad(load: PageLoad): Promise<PageReport> {
  const latenciesUs: number[] = [];
  const open = new Set<Promise<void>>();
  let begun = 0;
  let failed = 0;
  const begin = monotonicMs();

  const view = async (index: number): Promise<void> => {
    const start = monotonicMs();
    if (await isShown(load, index)) latenciesUs.push((monotonicMs() - start) * 1_000);
    else failed++;
  };
  for (;;) {
    const passedMs = monotonicMs() - begin;
    if (passedMs >= load.seconds * 1_000) break;
    for (const due = (passedMs / 1_000) * load.viewsPerSecond; begun < due; begun++) {
      if (open.size >= OPEN_MAX) {
        failed++;
        continue;
      }
      const one = view(begun).finally(() => open.delete(one));
      open.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(open);
  return {
    views: latenciesUs.length,
    failed,
    viewsPerSecond: latenciesUs.length / load.seconds,
    p50Us: percentile(latenciesUs, 50),
    p99Us: percentile(latenciesUs, 99),
    maxUs: percentile(latenciesUs, 100),
  };
}

/** One of the 16 million addresses of loopback, as if it were a subscriber's. */
function addressAt(index: number): string {
  return `127.${1 + ((index >> 14) % 200)}.${(index >> 7) & 127}.${1 + (index & 127)}`;
}

async function isShown({ port, nameAt }: PageLoad, index: number): Promise<boolean> {
  const name = nameAt(index);
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: addressAt(index) });
    const pieces: Buffer[] = [];
    socket.setTimeout(VIEW_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(isPageFor(name, Buffer.concat(pieces))));
    socket.end(
      `GET / HTTP/1.1\r\nHost: ${name}\r\nAccept: text/html,*/*;q=0.8\r\n` +
        `Accept-Language: ${LANGUAGES[index % LANGUAGES.length]}\r\nConnection: close\r\n\r\n`,
    );
  });
}

function isPageFor(name: string, answer: Buffer): boolean {
  return answer.includes('HTTP/1.1 451 ') && answer.includes(`>${name}</p>`) && answer.includes('</html>');
}
