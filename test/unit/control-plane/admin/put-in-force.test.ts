/** How long a change may take from durable to in force, and that the connection outlives it: the answer has to get there. */
import type { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import {
  BULK_IN_FORCE_TIMEOUT_MS,
  IN_FORCE_TIMEOUT_MS,
  putInForce,
} from '../../../../src/control-plane/admin/put-in-force.ts';
import { CONNECTION_TIMEOUT_MS } from '../../../../src/control-plane/http-limits.ts';
import { bearer, closeApis, createApi, delta, done } from '../../../support/api-harness.ts';

/** Of a connection, in place of half a minute. Why no less: a busy machine may need as long to read the request. */
const SILENCE_MS = 300;

afterEach(async () => {
  vi.useRealTimers();
  await closeApis();
});

test.each([
  ['some names', delta({ names: [] }), IN_FORCE_TIMEOUT_MS],
  ['more names than are told', delta({ names: undefined }), BULK_IN_FORCE_TIMEOUT_MS],
])('a change of %s has its time', async (_what, change, timeoutMs) => {
  vi.useFakeTimers();
  const settled = vi.fn<(isInForce: boolean) => void>();
  const log = { error: () => undefined } as never;
  void putInForce({ apply: () => new Promise(() => undefined), log }, { delta: change }).then(settled);
  await vi.advanceTimersByTimeAsync(timeoutMs - 1);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledExactlyOnceWith(false);
});

test.each([
  ['rollback', '/v1/lists/desk/rollback', { toVersion: 1, reason: 'r' }],
  ['push', '/v1/lists/desk/changes', { reason: 'r' }],
])('a %s that takes longer than a connection may be silent is answered', async (_what, path, body) => {
  let connection: Socket | undefined;
  const slow = async () => {
    // The work of the ledger, by the same clock as the limit of the connection.
    await new Promise((resolve) => setTimeout(resolve, 3 * SILENCE_MS));
    return done();
  };
  const api = createApi({ change: slow, rollback: slow });
  api.server.server.setTimeout(SILENCE_MS).on('connection', (socket: Socket) => (connection = socket));
  const url = await api.server.listen({ host: '127.0.0.1', port: 0 });
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { ...bearer('pusher'), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  await response.json();
  expect(connection!.timeout).toBeLessThanOrEqual(CONNECTION_TIMEOUT_MS);
});
