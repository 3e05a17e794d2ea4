import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientKey } from '../../../../src/control-plane/warning-page/client-key.ts';
import { ConnectionLimit } from '../../../../src/control-plane/warning-page/connection-limit.ts';

/** A socket that is connected to nobody, as if it came from `address`. */
function fakeSocket(address: string): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: address });
}

function limitOf(connectionsMax: number, connectionsPerClientMax: number) {
  const rejected = { count: 0 };
  const limit = new ConnectionLimit({ connectionsMax, connectionsPerClientMax }, () => rejected.count++);
  const open = (address: string) => {
    const socket = fakeSocket(address);
    return { socket, isAdmitted: limit.admit(socket) };
  };
  return { limit, rejected, open };
}

describe('connections to the warning page', () => {
  it('of one client are bounded, and of others not by it', async () => {
    const { limit, rejected, open } = limitOf(100, 2);
    const first = open('192.0.2.1');
    expect([first, open('192.0.2.1'), open('192.0.2.1'), open('192.0.2.2')].map((one) => one.isAdmitted)).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(rejected.count).toBe(1);
    first.socket.destroy();
    await expect.poll(() => limit.openCount).toBe(2);
    expect(open('192.0.2.1').isAdmitted).toBe(true);
  });

  it('beyond the total push out the one that has been silent for longest', async () => {
    const { limit, open } = limitOf(3, 100);
    const [a, b, c] = [open('192.0.2.1'), open('192.0.2.2'), open('192.0.2.3')];
    limit.touch(a.socket);
    const d = open('192.0.2.4');
    expect([a, b, c, d].map(({ socket }) => socket.destroyed)).toEqual([false, true, false, false]);
    await expect.poll(() => limit.openCount).toBe(3);
  });

  it('are forgotten when they close, once', async () => {
    const { limit, open } = limitOf(2, 2);
    const sockets = Array.from({ length: 20 }, (_, i) => open(`192.0.2.${i}`).socket);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => limit.openCount).toBe(0);
  });
});

describe('the client that a limit is about', () => {
  it('is an IPv4 address, however it is written, or an IPv6 /64', () => {
    expect(clientKey('::ffff:192.0.2.1')).toBe(clientKey('192.0.2.1'));
    expect(clientKey('192.0.2.2')).not.toBe(clientKey('192.0.2.1'));
    expect(clientKey('2001:db8::1')).toBe(clientKey('2001:db8::ffff:1'));
    expect(clientKey('2001:db8:0:1::1')).not.toBe(clientKey('2001:db8::1'));
    expect(clientKey(undefined)).toBe('');
  });
});
