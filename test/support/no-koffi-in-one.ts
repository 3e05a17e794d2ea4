/** Preloaded into the process by NODE_OPTIONS=--import: the optional package koffi is missing in one resolver thread alone. */
import { workerData } from 'node:worker_threads';

const { threadName } = (workerData ?? {}) as { readonly threadName?: string };
if (threadName === 'resolver-0') await import('./no-koffi.ts');
