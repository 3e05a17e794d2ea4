/**
 * A network that a test can make bad, between Weir and an upstream: a UDP relay on loopback that loses, delays (and so
 * reorders) and doubles datagrams of both directions, by a seed, so that a run can be had again.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { questionOf } from './fake-upstream.ts';

export interface BadNetwork {
  readonly seed: number;
  /** Of each datagram of each direction, 0 to 1. */
  readonly loss: number;
  /** No more than so many datagrams about one question are lost, so that what a test promises needs no luck. */
  readonly lossesOfOneMax?: number;
  readonly doubled: number;
  /** Each datagram waits for some time between these two: what is sent later may come earlier. */
  readonly delayMs: readonly [number, number];
}

export interface UdpRelay {
  /** As in a configuration. */
  readonly url: string;
  readonly passed: number;
  readonly lost: number;
  /** How many datagrams were lost about the one question that had it worst. */
  readonly lostOfOne: number;
  readonly doubled: number;
  /** Datagrams that left after one that had come later. */
  readonly reordered: number;
  stop(): Promise<void>;
}

/** Starts one in front of a port of 127.0.0.1. */
export async function startUdpRelay(targetPort: number, network: BadNetwork): Promise<UdpRelay> {
  const random = seeded(network.seed);
  const front = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  const behind = new Map<number, Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const lossesByName = new Map<string, number>();
  const counts = { passed: 0, lost: 0, doubled: 0, reordered: 0 };
  let arrivals = 0;
  let latestOut = 0;

  function isLost(message: Uint8Array): boolean {
    if (random() >= network.loss) return false;
    const { name } = questionOf(message);
    const losses = lossesByName.get(name) ?? 0;
    if (losses >= (network.lossesOfOneMax ?? Number.POSITIVE_INFINITY)) return false;
    lossesByName.set(name, losses + 1);
    return true;
  }

  function pass(message: Uint8Array, send: () => void): void {
    const arrival = ++arrivals;
    if (isLost(message)) {
      counts.lost++;
      return;
    }
    const [least, most] = network.delayMs;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        if (arrival < latestOut) counts.reordered++;
        latestOut = Math.max(latestOut, arrival);
        counts.passed++;
        send();
      },
      least + random() * (most - least),
    );
    timers.add(timer);
  }

  function passSome(message: Uint8Array, send: () => void): void {
    pass(message, send);
    if (random() >= network.doubled) return;
    counts.doubled++;
    pass(message, send);
  }

  function behindOf(clientPort: number): Socket {
    const known = behind.get(clientPort);
    if (known !== undefined) return known;
    const socket = createSocket('udp4');
    socket.on('error', () => undefined);
    socket.on('message', (message) => passSome(message, () => front.send(message, clientPort, '127.0.0.1')));
    behind.set(clientPort, socket);
    return socket;
  }

  front.on('message', (message, { port }) => {
    passSome(message, () => behindOf(port).send(message, targetPort, '127.0.0.1'));
  });
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    url: `udp://127.0.0.1:${front.address().port}`,
    get passed() {
      return counts.passed;
    },
    get lost() {
      return counts.lost;
    },
    get lostOfOne() {
      return Math.max(0, ...lossesByName.values());
    },
    get doubled() {
      return counts.doubled;
    },
    get reordered() {
      return counts.reordered;
    },
    stop: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of [front, ...behind.values()])
        await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** Numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
