/** A client of DNS over TLS for tests: TcpClient's doings inside a TLS session, and what the session was like. */
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { TcpClient } from './dns-client.ts';
import { until } from './weir-process.ts';
import { CLIENT_TLS } from './tls-fixture.ts';

export class DotClient extends TcpClient {
  readonly tls: TLSSocket;
  readonly #sessions: readonly Buffer[];

  constructor(socket: TLSSocket, sessions: readonly Buffer[] = []) {
    super(socket);
    this.tls = socket;
    this.#sessions = sessions;
  }

  /** Errors: rejects when the handshake fails. */
  static override async open(port: number, host = '127.0.0.1', options: ConnectionOptions = {}): Promise<DotClient> {
    const socket = connect({ port, host, ...CLIENT_TLS, ALPNProtocols: ['dot'], ...options });
    const sessions: Buffer[] = [];
    socket.on('session', (session) => sessions.push(session));
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return new DotClient(socket, sessions);
  }

  /** A session to resume from; in TLS 1.3 it comes after the handshake. */
  async session(): Promise<Buffer> {
    const sessions = await until(
      () => this.#sessions,
      ({ length }) => length > 0,
      'a session',
    );
    return sessions[0]!;
  }
}
