/** What is counted for an upstream that has left the configuration while queries to it were out. */
import { expect, test, vi } from 'vitest';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import { UpstreamLink } from '../../../../src/data-plane/upstream/upstream-link.ts';
import { UpstreamOutcomeRow } from '../../../../src/telemetry/counter-labels.ts';
import { COUNTER_CELLS, upstreamDownGauge } from '../../../../src/telemetry/counters.ts';
import { upstreamConfig } from '../../../support/upstream-harness.ts';

const FAILURES_UNTIL_DOWN = 5;

function openLink(cells: Float64Array): UpstreamLink {
  const events = { onResponse: vi.fn(), onFailure: vi.fn(), onStranger: vi.fn(), onUnderAttack: vi.fn() };
  const openSocket = vi.fn(() => ({ send: vi.fn(), close: vi.fn() }));
  const context = { slot: 0, sourcePorts: 1, ca: '', openSocket, random: new RandomWords(), events };
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  return new UpstreamLink(upstreamConfig({ host: '192.0.2.53', port: 53 }), context, cells, log, 0);
}

test('failures count, and so many in a row make an upstream down', () => {
  const cells = new Float64Array(COUNTER_CELLS);
  const link = openLink(cells);
  for (let failure = 0; failure < FAILURES_UNTIL_DOWN; failure++) link.failed(50, 10_000);
  expect(cells[upstreamDownGauge(0)]).toBe(1);
});

test('what is still out when an upstream is retired counts for nobody: its row may be another one’s', () => {
  const cells = new Float64Array(COUNTER_CELLS);
  const link = openLink(cells);
  link.retire();
  for (let failure = 0; failure < FAILURES_UNTIL_DOWN; failure++) {
    link.count(UpstreamOutcomeRow.timeout);
    link.failed(50, 10_000);
  }
  link.answered(50, 10_000);
  expect(cells.every((cell) => cell === 0)).toBe(true);
});
