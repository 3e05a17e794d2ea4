/** What the kernel lets through of whom, on real sockets. Skipped where the system calls cannot be had. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { holdOff, type HeldSource } from '../../../../src/data-plane/batch/source-filter.ts';
import { sockaddrBytes, writeSockaddr } from '../../../../src/data-plane/batch/sockaddr.ts';
import { ClientKey, wordMask } from '../../../../src/data-plane/limits/client-key.ts';
import { clientOctets } from '../../../../src/policy/address.ts';

const outcome = loadLibc();
const open: (() => void)[] = [];
/** So that next to nothing is let through by chance. */
const NOTHING = 31;

afterEach(() => {
  for (const close of open.splice(0)) close();
});

function source(address: string, bits: number, passShift = NOTHING): HeldSource {
  const { isIpv4, high, low } = new ClientKey(clientOctets(address));
  return isIpv4
    ? { isIpv4, high, highMask: -1, low, lowMask: wordMask(bits, 0), passShift }
    : { isIpv4, high, highMask: wordMask(bits, 0), low, lowMask: wordMask(bits, 32), passShift };
}

/** A socket on loopback that holds off `held`, and what arrives there of what is sent from each address. */
async function receiver(isV6: boolean, held: readonly HeldSource[]) {
  if (outcome.kind !== 'ok') throw new Error(outcome.reason);
  const { libc } = outcome;
  const host = isV6 ? '::1' : '127.0.0.1';
  const sockaddr = new Uint8Array(sockaddrBytes(isV6));
  writeSockaddr(sockaddr, 0, isV6, host, 0);
  const fd = libc.openUdp({ sockaddr, isV6, shared: false, receiveBufferBytes: 1024 * 1024 });
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  const listening = once(socket, 'listening');
  socket.bind({ fd });
  await listening;
  open.push(() => socket.close());
  const { port } = socket.address();
  const received: string[] = [];
  socket.on('message', (message, { address }) => received.push(`${address} ${message.toString()}`));
  const hold = (sources: readonly HeldSource[]): number => holdOff(libc, fd, isV6, sources);
  expect(hold(held)).toBe(0);
  const send = async (text: string, address: string, count: number): Promise<void> => {
    const sender = createSocket(isV6 ? 'udp6' : 'udp4');
    sender.bind(0, address);
    await once(sender, 'listening');
    await Promise.all(
      Array.from({ length: count }, () => new Promise((resolve) => sender.send(text, port, host, resolve))),
    );
    sender.close();
  };
  /** How many have come of each; what was sent before `mark` has come, or never will. */
  const counts = async (addresses: readonly string[], last: string): Promise<number[]> => {
    await send('mark', last, 1);
    await expect.poll(() => received.at(-1)).toBe(`${last} mark`);
    const lines = received.splice(0);
    return addresses.map((address) => lines.filter((line) => line === `${address} one`).length);
  };
  /** Sends so many from each. */
  const passed = async (addresses: readonly string[], count: number, last: string): Promise<number[]> => {
    for (const address of addresses) await send('one', address, count);
    return counts(addresses, last);
  };
  return { send, counts, passed, hold };
}

test.skipIf(outcome.kind !== 'ok')('holds off addresses and prefixes, and nobody beside them', async () => {
  const { passed, hold } = await receiver(false, [source('127.66.1.1', 24), source('127.66.2.1', 32)]);
  const from = ['127.66.1.7', '127.66.1.200', '127.66.2.1', '127.66.2.2', '127.66.3.1'];
  expect(await passed(from, 20, '127.0.0.2')).toEqual([0, 0, 0, 20, 20]);
  // Others in their place, and then none.
  expect(hold([source('127.66.3.1', 32)])).toBe(0);
  expect(await passed(from, 20, '127.0.0.2')).toEqual([20, 20, 20, 20, 0]);
  expect(hold([])).toBe(0);
  expect(await passed(from, 20, '127.0.0.2')).toEqual([20, 20, 20, 20, 20]);
});

test.skipIf(outcome.kind !== 'ok')('lets through the share that it is told', async () => {
  const { passed } = await receiver(false, [source('127.66.1.1', 32, 2)]);
  // 400 of which one in four: 100, and 9 either way by chance; nine times that is never seen.
  const [count] = await passed(['127.66.1.1'], 400, '127.0.0.2');
  expect(count).toBeGreaterThan(20);
  expect(count).toBeLessThan(180);
});

test.skipIf(outcome.kind !== 'ok')(
  'tells IPv6 prefixes apart in both words, and families from each other',
  async () => {
    const others = [source('0:0:1::1', 64), source('0:0:0:1::1', 64), source('1::1', 64), source('127.0.0.1', 8)];
    const { send, counts, passed, hold } = await receiver(true, others);
    expect(await passed(['::1'], 20, '::1')).toEqual([20]);
    expect(hold([...others, source('::7', 56)])).toBe(0);
    await send('one', '::1', 20);
    expect(hold(others)).toBe(0);
    expect(await counts(['::1'], '::1')).toEqual([0]);
  },
);
