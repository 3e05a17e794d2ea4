import { describe, expect, it } from 'vitest';
import { type Libc, loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { checkBatches } from '../../../../src/data-plane/batch/self-check.ts';
import { runProgram } from '../../../support/child-program.ts';
import { PROJECT_ROOT } from '../../../support/source-files.ts';

const loaded = loadLibc();
const libc = loaded.kind === 'ok' ? loaded.libc : (undefined as never);
const check = (changes: Partial<Libc>) => checkBatches({ kind: 'ok', libc: { ...libc, ...changes } });

describe('what cannot be loaded', () => {
  it('is said as it was', () => {
    const reason = 'koffi does not load';
    expect(checkBatches({ kind: 'unavailable', reason })).toEqual({ kind: 'unavailable', reason });
  });
});

describe.skipIf(loaded.kind !== 'ok')('the self-check (skipped where there is nothing to check)', () => {
  it('finds every layout that is not the kernel’s, and lives', async () => {
    const script = `${PROJECT_ROOT}/test/support/wrong-layouts.ts`;
    const { code, signal, stdout, stderr } = await runProgram(process.execPath, [script]);
    expect([code, signal, stderr]).toEqual([0, null, '']);
    const said = JSON.parse(stdout) as { right: string; wrong: Record<string, string> };
    expect(said.right).toBe('ok');
    expect(Object.keys(said.wrong).length).toBeGreaterThanOrEqual(4 * 8);
    for (const [layout, reason] of Object.entries(said.wrong)) expect([layout, reason]).not.toEqual([layout, 'ok']);
  });

  it('finds calls that lose, shorten or change datagrams', () => {
    expect(check({ send: () => -1 })).toMatchObject({ reason: 'self-check: on 127.0.0.1: 3 datagrams were not sent' });
    expect(check({ send: (_fd, _headers, count) => count })).toMatchObject({ reason: /received -\d+ of 3/ });
    expect(check({ receive: () => 2 })).toMatchObject({ reason: /received 2 of 3 datagrams/ });
    expect(check({ receive: () => 3 })).toMatchObject({ reason: /a length came as 0, not 12/ });
    expect(check({ EAGAIN: libc.EAGAIN + 1 })).toMatchObject({ reason: /an empty socket said -\d+/ });
  });

  it('looks again where loopback was late or lost something once', () => {
    for (const first of [-libc.EAGAIN, 2]) {
      let calls = 0;
      const receive: Libc['receive'] = (...call) => (calls++ === 0 ? first : libc.receive(...call));
      expect(check({ receive }).kind).toBe('ok');
    }
  });

  it('sends without an address too, which a socket must be connected for', () => {
    expect(check({ connect: () => undefined })).toMatchObject({
      reason: 'self-check: on 127.0.0.1, connected: 3 datagrams were not sent',
    });
  });

  it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])('passes over IPv6 where the host has none (%s)', (code) => {
    const asked: boolean[] = [];
    const without = check({
      openUdp: (options) => {
        asked.push(options.isV6);
        if (options.isV6) throw Object.assign(new Error(`bind ${code}`), { code });
        return libc.openUdp(options);
      },
    });
    expect([without.kind, asked]).toEqual(['ok', [false, false, true]]);
  });

  it('needs IPv4, and IPv6 that is there must work', () => {
    const refusing = (isV6: boolean, code: string) =>
      check({
        openUdp: (options) => {
          if (options.isV6 === isV6) throw Object.assign(new Error(`socket ${code}`), { code });
          return libc.openUdp(options);
        },
      });
    expect(refusing(false, 'EAFNOSUPPORT')).toMatchObject({ reason: 'self-check: socket EAFNOSUPPORT' });
    expect(refusing(true, 'EPERM')).toMatchObject({ reason: 'self-check: socket EPERM' });
  });

  it('leaves no socket open, however it ends', () => {
    const open = new Set<number>();
    const counted = (changes: Partial<Libc>) =>
      check({
        openUdp: (options) => {
          const fd = libc.openUdp(options);
          open.add(fd);
          return fd;
        },
        close: (fd) => {
          open.delete(fd);
          libc.close(fd);
        },
        ...changes,
      });
    const connect = (): never => {
      throw new Error('connect EPERM');
    };
    for (const changes of [{}, { receive: () => 2 }, { connect }]) {
      counted(changes);
      expect([...open]).toEqual([]);
    }
  });

  it('finds a machine that gives it no socket', () => {
    const openUdp = (): never => {
      throw new Error('socket EPERM');
    };
    expect(check({ openUdp })).toEqual({ kind: 'unavailable', reason: 'self-check: socket EPERM' });
  });
});
