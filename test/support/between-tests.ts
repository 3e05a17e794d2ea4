/** What e2e tests of one Weir behind one fake upstream do between tests, and at their end. */
import { afterAll, afterEach } from 'vitest';
import { closeClients } from './dns-client.ts';
import { type FakeUpstream, respond } from './fake-upstream.ts';
import { stopAllWeirs, type WeirProcess } from './weir-process.ts';

/**
 * After each test no client is connected and the upstream answers again; at the end both are stopped.
 * @param connections the gauge of the connections that the tests open
 */
export function quietBetweenTests(
  running: () => { weir: WeirProcess; upstream: FakeUpstream },
  connections: string,
): void {
  afterEach(async () => {
    const { weir, upstream } = running();
    closeClients();
    upstream.answerWith((asked) => respond(asked));
    await weir.untilMetric((count) => count === 0, connections);
  });
  afterAll(async () => {
    await stopAllWeirs();
    await running().upstream.stop();
  });
}
