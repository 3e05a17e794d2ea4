import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { startWeirProcess, stopAllWeirs, until } from '../support/weir-process.ts';

afterEach(stopAllWeirs);

const SOCKETS = '/proc/net/udp';

/** UDP sockets of this machine whose local address matches; addresses are in hexadecimal, least significant octet first. */
function socketsOn(local: RegExp): number {
  return [...readFileSync(SOCKETS, 'utf8').matchAll(local)].length;
}

function portPattern(port: number): RegExp {
  return new RegExp(`: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `, 'g');
}

describe.skipIf(!existsSync(SOCKETS))('resolver threads (seen in /proc/net/udp)', () => {
  it('share one port that the kernel chose, and stay on it through a reload', async () => {
    const weir = await startWeirProcess({ config: { workers: 2 } });
    expect(socketsOn(portPattern(weir.port))).toBe(2);
    // Why another address: both threads have taken the new configuration when each has bound it.
    weir.writeConfig({ workers: 2 }, { do53: ['127.0.0.1:0', '127.0.0.77:0'] });
    weir.program.signal('SIGHUP');
    await until(
      () => socketsOn(/: 4D00007F:/g),
      (count) => count === 2,
      'the second address is bound by both threads',
    );
    expect(socketsOn(portPattern(weir.port))).toBe(2);
  });
});
