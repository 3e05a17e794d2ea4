/** What udp-transport.ts counts on, of both implementations. */
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { openInBatches } from '../../../../src/data-plane/upstream/batch-datagram-socket.ts';
import {
  type DatagramSocket,
  type OpenDatagramSocket,
  openDgramSocket,
} from '../../../../src/data-plane/upstream/datagram-socket.ts';
import { HeaderFlag } from '../../../../src/dns/iana.ts';
import { readUint16 } from '../../../../src/dns/patch.ts';
import { unwillingKernel } from '../../../support/unwilling-kernel.ts';

const loaded = loadLibc();
const libc = loaded.kind === 'ok' ? loaded.libc : (undefined as never);
const KINDS: readonly (readonly [string, boolean, OpenDatagramSocket])[] = [
  ['node:dgram', true, openDgramSocket],
  ['in batches', loaded.kind === 'ok', loaded.kind === 'ok' ? openInBatches(libc) : openDgramSocket],
];
const HOSTS = ['127.0.0.1', '::1'];
const BURST = 150;
/** More than any slot has room for. */
const LARGE_BYTES = 5_000;
const LARGE_DATAGRAMS = 5;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that a test has the run of. */
async function startServer(host: string): Promise<Socket> {
  const server = createSocket({ type: host === '::1' ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 });
  await new Promise<void>((resolve) => server.bind(0, host, resolve));
  closing.push(() => server.close());
  return server;
}

class Recorder {
  readonly messages: string[] = [];
  readonly errors: string[] = [];
  opened = 0;
  isInside = false;
  wasCalledInside = false;

  onOpen(): void {
    this.#note();
    this.opened++;
  }

  onDatagram(bytes: Uint8Array, start: number, end: number): void {
    this.#note();
    this.messages.push(Buffer.from(bytes.subarray(start, end)).toString('latin1'));
  }

  onUnsent(id: number): void {
    this.#note();
    this.errors.push(`${id} unsent`);
  }

  onError(code: string): void {
    this.#note();
    this.errors.push(code);
  }

  #note(): void {
    this.wasCalledInside ||= this.isInside;
  }

  /** Calls something of the socket, from within which nothing may come back. */
  during<Result>(call: () => Result): Result {
    this.isInside = true;
    const result = call();
    this.isInside = false;
    return result;
  }
}

async function opened(open: OpenDatagramSocket, host: string, port: number) {
  const recorder = new Recorder();
  const socket = recorder.during(() => open(host, port, recorder));
  let isClosed = false;
  const close = () => {
    if (!isClosed) socket.close();
    isClosed = true;
  };
  closing.push(close);
  await expect.poll(() => recorder.opened + recorder.errors.length).toBe(1);
  return { recorder, socket, close };
}

const send = (socket: DatagramSocket, recorder: Recorder, text: string) => {
  const bytes = Buffer.from(text.padEnd(text.length + 9, '#'), 'latin1');
  recorder.during(() => socket.send(bytes, text.length));
  // As its contract says: the octets are the caller's again.
  bytes.fill(0x21);
};

describe.each(KINDS.filter(([, isThere]) => isThere))('an upstream socket, %s', (_, __, open) => {
  describe.each(HOSTS)('to %s', (host) => {
    it('brings what is sent in one turn, each datagram once, and what comes back', async () => {
      const server = await startServer(host);
      const asked: string[] = [];
      server.on('message', (message, { port, address }) => {
        asked.push(message.toString('latin1'));
        server.send(`re ${message.toString('latin1')}`, port, address);
      });
      const { recorder, socket } = await opened(open, host, server.address().port);
      const texts = Array.from({ length: BURST }, (_each, index) => `${index} ${'x'.repeat(index % 40)}`);
      for (const text of texts) send(socket, recorder, text);
      await expect.poll(() => recorder.messages.length).toBe(BURST);
      expect(asked.toSorted()).toEqual(texts.toSorted());
      expect(recorder.messages.toSorted()).toEqual(texts.map((text) => `re ${text}`).toSorted());
      expect(recorder.errors).toEqual([]);
      expect(recorder.wasCalledInside).toBe(false);
    });

    it('gives nothing from anybody else', async () => {
      const server = await startServer(host);
      const stranger = await startServer(host);
      const { recorder, socket } = await opened(open, host, server.address().port);
      const came = new Promise<number>((resolve) => server.once('message', (___, { port }) => resolve(port)));
      send(socket, recorder, 'hello');
      const port = await came;
      // Why the server's last: on one machine it arrives behind the stranger's.
      await new Promise((resolve) => stranger.send('forged', port, host, resolve));
      server.send('good', port, host);
      await expect.poll(() => recorder.messages).toEqual(['good']);
    });

    it('brings a datagram of any size whole, or says by TC that it is not', async () => {
      const server = await startServer(host);
      server.on('message', (___, { port, address }) => {
        for (let count = 0; count < LARGE_DATAGRAMS; count++) server.send(Buffer.alloc(LARGE_BYTES), port, address);
      });
      const { recorder, socket } = await opened(open, host, server.address().port);
      send(socket, recorder, 'hello');
      await expect.poll(() => recorder.messages.length).toBe(LARGE_DATAGRAMS);
      for (const message of recorder.messages) {
        const isTruncated = (readUint16(Buffer.from(message, 'latin1'), 2) & HeaderFlag.TC) !== 0;
        expect(isTruncated).toBe(message.length < LARGE_BYTES);
      }
    });

    it('says that a port is closed', async () => {
      const server = createSocket(host === '::1' ? 'udp6' : 'udp4');
      await new Promise<void>((resolve) => server.bind(0, host, resolve));
      const { port } = server.address();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      const { recorder, socket } = await opened(open, host, port);
      send(socket, recorder, 'hello');
      await expect.poll(() => recorder.errors.length).toBeGreaterThan(0);
      expect(new Set(recorder.errors)).toEqual(new Set(['ECONNREFUSED']));
      expect(recorder.wasCalledInside).toBe(false);
    });

    it('sends what it has before it closes, and says nothing afterwards', async () => {
      const server = await startServer(host);
      const asked: string[] = [];
      server.on('message', (message, { port, address }) => {
        asked.push(message.toString('latin1'));
        server.send('late', port, address);
      });
      const { recorder, socket, close } = await opened(open, host, server.address().port);
      for (let index = 0; index < 10; index++) send(socket, recorder, `q${index}`);
      recorder.during(close);
      await expect.poll(() => asked.length).toBe(10);
      const other = await opened(open, host, server.address().port);
      send(other.socket, other.recorder, 'last');
      await expect.poll(() => other.recorder.messages).toEqual(['late']);
      expect(recorder.messages).toEqual([]);
      expect(recorder.errors).toEqual([]);
    });
  });
});

describe.skipIf(loaded.kind !== 'ok').each(HOSTS)(
  'an upstream socket in batches to %s (skipped where there are none)',
  (host) => {
    it('sends each datagram once or says which has failed, whatever the kernel takes', async () => {
      const server = await startServer(host);
      const asked: string[] = [];
      server.on('message', (message) => void asked.push(message.toString('latin1')));
      const kernel = unwillingKernel(libc);
      const { recorder, socket } = await opened(openInBatches(kernel.libc), host, server.address().port);
      for (let turn = 0; turn < 12; turn++) {
        // Two octets, which are its id.
        for (let index = 0; index < 10; index++) send(socket, recorder, `${'abcdefghijkl'[turn]!}${index}`);
        await new Promise(setImmediate);
      }
      await expect.poll(() => asked.length + recorder.errors.length).toBe(120);
      const all = Array.from(
        { length: 120 },
        (_each, index) => `${'abcdefghijkl'[Math.floor(index / 10)]!}${index % 10}`,
      );
      const failed = recorder.errors.map((error) => {
        const id = Number(error.replace(' unsent', ''));
        return String.fromCharCode(id >>> 8, id & 0xff);
      });
      expect([...asked, ...failed].toSorted()).toEqual(all);
      expect(recorder.errors).toHaveLength(kernel.refused);
      expect(Math.min(kernel.refused, kernel.full, kernel.cut)).toBeGreaterThan(0);
      expect(recorder.wasCalledInside).toBe(false);
    });
  },
);
