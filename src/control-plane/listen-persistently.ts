/**
 * Binds an HTTP server of the control plane, again and again where the address is taken: a thread that replaces a dead
 * one may come before the kernel, or whoever else, has let go of it. At the start of the process the first failure ends
 * it (supervisor); later ones are said once. With `reusePort` another process may have the port too: one that is about to
 * leave it to us.
 */
import type { Server } from 'node:http';
import type { SocketAddress } from '../config/config.ts';

/** Time between two tries. */
const LISTEN_RETRY_MS = 5_000;

export interface PersistentListener {
  /** With the port that was given for port 0. */
  onListening(address: SocketAddress): void;
  /** Called for the first failure only. */
  onFailure(code: string, message: string): void;
}

export interface Listenable {
  listen(address: { host: string; port: number; reusePort: boolean }): Promise<unknown>;
  readonly server: Pick<Server, 'address'>;
}

/** Resolves after the first try; further ones keep no thread alive. */
export async function listenPersistently(
  app: Listenable,
  { host, port, reusePort = false }: SocketAddress & { readonly reusePort?: boolean },
  events: PersistentListener,
  retryMs = LISTEN_RETRY_MS,
): Promise<void> {
  const attempt = async (isFirst: boolean): Promise<void> => {
    try {
      await app.listen({ host, port, reusePort });
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (isFirst) events.onFailure(code, message);
      setTimeout(() => void attempt(false), retryMs).unref();
      return;
    }
    const bound = app.server.address();
    events.onListening({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port });
  };
  await attempt(true);
}
