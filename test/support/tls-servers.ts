/** HTTPS servers and a CONNECT proxy on loopback that remember who came, for tests of what lists are fetched with. */
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { NetworkView } from '../../src/control-plane/list-sync/sources/redirect-guard.ts';
import { fixture } from './tls-fixture.ts';

/** Every name is here, and here is nowhere special. */
export const HERE: NetworkView = {
  lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  isInternal: () => false,
};

export interface Seen {
  readonly url: string;
  readonly authorization: string | undefined;
  /** Of the client's certificate; undefined: it showed none. */
  readonly client: string | undefined;
}

export class TestServers {
  readonly #closers: (() => Promise<unknown>)[] = [];

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close();
  }

  async listen(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#closers.push(async () => {
      if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }

  /** A server of the fixture's authority. */
  async tls(listener: RequestListener, options: ServerOptions = {}): Promise<{ port: number; seen: Seen[] }> {
    const seen: Seen[] = [];
    const own = { cert: fixture('server.pem'), key: fixture('server-key.pem'), ...options };
    const port = await this.listen(
      createTlsServer(own, (request, response) => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate();
        const client = subject === undefined ? undefined : String(subject.CN);
        seen.push({ url: request.url ?? '', authorization: request.headers.authorization, client });
        listener(request, response);
      }),
    );
    return { port, seen };
  }

  /** Tunnels to the asked port of this machine, whatever the name. */
  async proxy(): Promise<{ url: string; tunnels: IncomingMessage[] }> {
    const tunnels: IncomingMessage[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request: IncomingMessage, socket) => {
      tunnels.push(request);
      const to = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        to.pipe(socket).pipe(to);
      });
      for (const one of [socket, to]) one.on('error', () => undefined);
      for (const one of [socket, to]) one.on('close', () => void (socket.destroy(), to.destroy()));
    });
    return { url: `http://127.0.0.1:${await this.listen(proxy)}`, tunnels };
  }
}
