/**
 * Entry of the ledger's thread: opens the file and answers requests. A file that cannot be used is said, and every request
 * is answered with that, until a person has looked and Weir is started again. May die at any time: what it has
 * acknowledged is on the disk, and what it has not is nowhere.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { startHeartbeat } from '../../telemetry/heartbeat.ts';
import { LedgerUnusable, storeRefusal } from './ledger-failure.ts';
import type { LedgerAnswer, LedgerRequest, LedgerThreadData } from './ledger-messages.ts';
import { LedgerStore } from './ledger-store.ts';
import type { Ledger } from './ledger.ts';

const port = parentPort;
if (port !== null) {
  const { stateDirectory, heartbeat } = workerData as LedgerThreadData;
  startHeartbeat(heartbeat);
  const say = (message: LedgerAnswer): void => port.postMessage(message);
  const opened = open(stateDirectory);
  port.on('message', (request: LedgerRequest) => {
    void answer(opened, request).then((reply) => {
      say(reply);
      if (request.method === 'close') port.close();
    });
  });
  say({ kind: 'ready', unusable: opened instanceof LedgerUnusable ? opened.message : undefined });
}

/** Errors: throws what may be better at the next start; the thread ends with it. */
function open(stateDirectory: string): Ledger | LedgerUnusable {
  try {
    return new LedgerStore({ stateDirectory });
  } catch (error) {
    if (error instanceof LedgerUnusable) return error;
    throw error;
  }
}

async function answer(ledger: Ledger | LedgerUnusable, { id, method, args }: LedgerRequest): Promise<LedgerAnswer> {
  if (ledger instanceof LedgerUnusable) {
    if (method === 'close') return { kind: 'done', id, value: undefined };
    return { kind: 'failed', id, message: ledger.message, isBug: false };
  }
  try {
    const call = ledger[method] as (...values: unknown[]) => Promise<unknown>;
    return { kind: 'done', id, value: await call.apply(ledger, [...args]) };
  } catch (error) {
    const refusal = storeRefusal(error);
    if (refusal !== undefined) return { kind: 'failed', id, message: refusal.message, isBug: false };
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'failed', id, message, isBug: true };
  }
}
