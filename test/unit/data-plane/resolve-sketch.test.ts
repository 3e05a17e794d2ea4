/** What the query path counts for the guard of lists. */
import { expect, it } from 'vitest';
import { wallClockMs } from '../../../src/clock.ts';
import { estimateQueries, SAMPLE, totalQueries } from '../../../src/telemetry/query-sketch.ts';
import { wireName } from '../../support/publish-policy.ts';
import { ResolverHarness } from '../../support/resolver-harness.ts';

const CLIENTS = 4000;
const config = { clients: { allow: ['10.0.0.0/8'] } };

function clients(ask: (client: string) => void): void {
  for (let i = 0; i < CLIENTS; i++) ask(`10.0.${i >>> 8}.${i & 255}`);
}

it('a name that is not blocked counts, what is blocked or refused does not', () => {
  const harness = new ResolverHarness({ config, entries: [{ name: 'bad.example' }] });
  const queries = (name: string): number =>
    estimateQueries([harness.sketch], wireName(name), 'subtree', wallClockMs() / 1000).queries;
  clients((client) => harness.ask('www.bad.example', { client }));
  for (let i = 0; i < CLIENTS; i++) harness.ask('www.shop.example', { client: `192.0.2.${i & 255}` });
  expect(totalQueries([harness.sketch], wallClockMs() / 1000)).toBe(0);
  clients((client) => harness.ask('www.shop.example', { client }));
  // One of 16, give or take eight standard deviations.
  const deviation = SAMPLE * Math.sqrt(CLIENTS / SAMPLE);
  expect(Math.abs(queries('shop.example') - CLIENTS)).toBeLessThan(8 * deviation);
  expect(queries('bad.example')).toBe(0);
});
