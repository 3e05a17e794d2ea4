/** What list-sync needs of a logger; pino's fits. Never a query name, never a client. */
export interface SyncLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What ends because it is closed is no news: told to stop while lists load, a process would log errors that are none. */
export function logUntil(isClosed: () => boolean, log: SyncLog): SyncLog {
  return {
    info: (fields, message) => isClosed() || log.info(fields, message),
    warn: (fields, message) => isClosed() || log.warn(fields, message),
    error: (fields, message) => isClosed() || log.error(fields, message),
  };
}
