/** Who is held off, how much of it, and until when; what the kernel makes of it is batch/source-filter.test.ts's. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Libc } from '../../../src/data-plane/batch/libc.ts';
import { SocketWatch } from '../../../src/data-plane/batch/socket-watch.ts';
import { FloodGuard, type FloodGuardConfig, HELD_MAX } from '../../../src/data-plane/flood-guard.ts';
import { ClientKey } from '../../../src/data-plane/limits/client-key.ts';
import { HeavyClients } from '../../../src/data-plane/limits/heavy-clients.ts';
import { KeyedHash } from '../../../src/data-plane/limits/keyed-hash.ts';
import { clientOctets } from '../../../src/policy/address.ts';
import { SocketSideRow, TransportRow } from '../../../src/telemetry/counter-labels.ts';
import { COUNTER_CELLS, Counter, queryCounter } from '../../../src/telemetry/counters.ts';
import { freezeClock } from '../../support/resolver-harness.ts';

const LOOK_MS = 200;
const QUERIES = 1_000;
const RESPONSES = 5_000;
/** Of socket(7). */
const [SO_ATTACH_FILTER, SO_DETACH_FILTER] = [26, 27];

beforeEach(freezeClock);
afterEach(() => {
  vi.useRealTimers();
});

function guardOf(changes: Partial<FloodGuardConfig['limits']> = {}, proxyProtocol: readonly string[] = []) {
  let drops = 0;
  /** By descriptor: octets of the program that is attached, 0 without one. */
  const filters = new Map<number, number>();
  const libc = {
    socketMemory: () => ({ receiveBufferBytes: 1, drops }),
    addressOf: () => 0n,
    setSocketOption: (fd: number, option: number, value: Uint8Array) => {
      if (option === SO_DETACH_FILTER) filters.set(fd, 0);
      if (option === SO_ATTACH_FILTER) filters.set(fd, (value[0]! | (value[1]! << 8)) * 8);
      return 0;
    },
  } as unknown as Libc;
  const cells = new Float64Array(COUNTER_CELLS);
  const watch = new SocketWatch(libc, cells);
  watch.watch(4, SocketSideRow.client, false);
  watch.watch(6, SocketSideRow.client, true);
  watch.watch(9, SocketSideRow.upstream, false);
  const heavy = new HeavyClients(
    new KeyedHash((bytes) => bytes.forEach((_, at) => (bytes[at] = (at * 167) ^ (at >> 3)))),
  );
  const floods: string[] = [];
  const limits = {
    kernelFilter: 'on',
    exempt: [],
    queriesPerSecondMax: QUERIES,
    responsesPerSecondMax: RESPONSES,
    responsesIpv4PrefixBits: 24,
    responsesIpv6PrefixBits: 56,
    ...changes,
  } as const;
  const guard = new FloodGuard(
    { libc, watch, heavy, cells, onFlood: () => floods.push('flood') },
    { limits, listen: { proxyProtocol } },
  );
  const count = (address: string, perSecond: number, isPrefix = false): void => {
    const { high, low } = new ClientKey(clientOctets(address));
    const times = (perSecond * LOOK_MS) / 1_000;
    for (let i = 0; i < times; i++) heavy.count(isPrefix, high, low);
    cells[queryCounter(TransportRow.udp, 0, 0)]! += times;
  };
  /** One look, after a time in which so many datagrams found no room in each of two queues. */
  const look = (unread = 0): number => {
    drops += unread;
    vi.advanceTimersByTime(LOOK_MS);
    watch.look();
    guard.look();
    return cells[Counter.heldSources]!;
  };
  return { guard, limits, count, look, filters, floods, watch };
}

describe('who floods', () => {
  it('is held once a queue was full, and not before', () => {
    const { count, look, filters, floods } = guardOf();
    count('192.0.2.1', 50_000);
    expect([look(), filters.size]).toEqual([0, 0]);
    count('192.0.2.1', 50_000);
    expect([look(1), floods.length]).toEqual([1, 1]);
    expect([...filters.keys()]).toEqual([4, 6]);
    expect(filters.get(4)).toBeGreaterThan(0);
    expect(filters.get(6)).toBe(0);
  });

  it('is held also where the queue was read only after it was found full', () => {
    const { count, look } = guardOf();
    expect(look(1)).toBe(0);
    count('192.0.2.1', 50_000);
    expect(look()).toBe(1);
  });

  it('is not held for a queue that was full long ago', () => {
    const { count, look } = guardOf();
    look(1);
    for (let ms = 0; ms < 1_000; ms += LOOK_MS) look();
    count('192.0.2.1', 50_000);
    expect(look()).toBe(0);
  });

  it('is somebody far over the limit: who is a little over it is not held', () => {
    const { count, look } = guardOf();
    count('192.0.2.1', 2.9 * QUERIES);
    count('198.51.100.0', 3.3 * RESPONSES, true);
    expect(look(1)).toBe(1);
  });

  it('is known by what it sent, where the thread could not read all of that', () => {
    const { count, look } = guardOf();
    count('192.0.2.1', 1_000);
    expect(look(75)).toBe(0);
    count('192.0.2.1', 1_000);
    expect(look(125)).toBe(1);
  });

  it('stays held while as much comes of what is let through, and is let go some seconds after it', () => {
    const { count, look, filters, floods } = guardOf();
    count('2001:db8::1', 60_000);
    look(1);
    expect(filters.get(6)).toBeGreaterThan(0);
    for (let second = 0; second < 50; second++) {
      count('2001:db8::1', 1_500);
      // What the filter drops is counted as if the queue were full.
      expect(look(10_000)).toBe(1);
    }
    for (let ms = LOOK_MS; ms < 2_000; ms += LOOK_MS) expect(look()).toBe(1);
    expect(look()).toBe(0);
    expect([...filters.values()]).toEqual([0, 0]);
    expect(floods).toHaveLength(1);
  });

  it('is joined by others, of whom the worst are held', () => {
    const { count, look } = guardOf();
    count('192.0.2.1', 50_000);
    expect(look(1)).toBe(1);
    for (let host = 0; host < 2 * HELD_MAX; host++) count(`198.51.100.${host}`, 8_000 + host);
    expect(look()).toBe(HELD_MAX);
  });

  it('is nobody whom no limit holds for, nor a prefix with such a client or a balancer in it', () => {
    const { guard, limits, count, look } = guardOf({ exempt: ['192.0.2.7/32', '2001:db8::/32'] }, ['203.0.113.9/32']);
    const all = (): void => {
      count('192.0.2.0', 50_000, true);
      count('203.0.113.0', 50_000, true);
      count('2001:db8:0:100::', 50_000, true);
    };
    all();
    expect(look(1)).toBe(0);
    guard.configure({ limits: { ...limits, exempt: [] }, listen: { proxyProtocol: [] } });
    all();
    expect(look(1)).toBe(3);
  });

  it('is let go when the configuration says so', () => {
    const { guard, limits, count, look, filters } = guardOf();
    count('192.0.2.1', 50_000);
    expect(look(1)).toBe(1);
    guard.configure({ limits: { ...limits, kernelFilter: 'off' }, listen: { proxyProtocol: [] } });
    count('192.0.2.1', 50_000);
    expect(look(1)).toBe(0);
    expect([...filters.values()]).toEqual([0, 0]);
  });
});
