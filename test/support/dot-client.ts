/** A client of DNS over TLS for tests: TcpClient's doings inside a TLS session, and what the session was like. */
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { TcpClient } from './dns-client.ts';
import { CLIENT_TLS } from './tls-fixture.ts';

export class DotClient extends TcpClient {
  readonly tls: TLSSocket;

  constructor(socket: TLSSocket) {
    super(socket);
    this.tls = socket;
  }

  /** Errors: rejects when the handshake fails. */
  static override async open(port: number, host = '127.0.0.1', options: ConnectionOptions = {}): Promise<DotClient> {
    const socket = connect({ port, host, ...CLIENT_TLS, ALPNProtocols: ['dot'], ...options });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return new DotClient(socket);
  }

  /** A session to resume from; TLS 1.3 sends it when it likes. */
  async session(): Promise<Buffer> {
    const [session]: Buffer[] = await once(this.tls, 'session');
    return session!;
  }
}
