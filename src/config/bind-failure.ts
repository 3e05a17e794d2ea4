/** An address that could not be bound, as a thread reports it to the supervisor. Type only. */
import type { SocketAddress } from './config.ts';

export interface BindFailure {
  /** The configuration key that names the address. */
  readonly key: string;
  readonly address: SocketAddress;
  /** The system's error code, e.g. EADDRINUSE. */
  readonly code: string;
  readonly message: string;
}
