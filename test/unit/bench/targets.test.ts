import { describe, expect, test } from 'vitest';
import type { Row } from '../../../bench/results.ts';
import { targetLines } from '../../../bench/targets.ts';

function row(name: string, server: string, cpuUs: number, outstanding = 100, edns = false): Row {
  return { case: name, server, parameters: { outstanding, edns }, values: { cpuUs } };
}

function reload(p999Us: number, lost: number): Row {
  return { case: 'reload', server: 'weir', parameters: {}, values: { p999Us, lost, late: 0 } };
}

function measured(rows: readonly Row[], what: string, target: string): string | undefined {
  return targetLines(rows).find((line) => line.what === what && line.target.includes(target))?.measured;
}

describe('targets', () => {
  test('compare with the best form of a peer, and publish the worse of with and without EDNS', () => {
    const rows = [
      row('blocked', 'weir', 3),
      row('blocked', 'dnsdist', 6),
      row('blocked', 'dnsdist-cdb', 5),
      row('blocked', 'weir', 4, 100, true),
      row('blocked', 'dnsdist', 8, 100, true),
      row('blocked', 'dnsdist-cdb', 5, 100, true),
    ];
    const text = measured(rows, 'CPU per blocked query', 'dnsdist');
    expect(text).toBe('missed: 0.80 (4.00 against 5.00 of dnsdist-cdb; 100 outstanding, with EDNS)');
  });

  test('are met at their limit', () => {
    const rows = [row('cached', 'weir', 4), row('cached', 'pdns-recursor', 5), row('cached', 'dnsdist', 6)];
    expect(measured(rows, 'CPU per cached query', 'PowerDNS')).toMatch(/^met: 0\.80 .*of pdns-recursor/);
  });

  test('judge calm load apart from busy load', () => {
    const rows = [row('blocked', 'weir', 9, 20), row('blocked', 'dnsdist', 8, 20)];
    expect(measured(rows, 'blocked, 20 outstanding', 'dnsdist')).toMatch(/^missed: 1\.13/);
    expect(measured(rows, 'CPU per blocked query', 'dnsdist')).toBe('not measured');
  });

  test('say "not measured" of everything when there are no figures', () => {
    expect(new Set(targetLines([]).map((line) => line.measured))).toEqual(new Set(['not measured']));
  });

  test('take the worst reload', () => {
    const rows = [reload(5_000, 0), reload(12_000, 1)];
    expect(measured(rows, 'p99.9 in a reload', '10 ms')).toBe('missed: 12.0 ms');
    expect(measured(rows, 'queries lost in a reload', '0')).toBe('missed: 1.0 queries');
    expect(measured(rows, 'queries later than 50 ms in a reload', '0')).toBe('met: 0.0 queries');
  });

  test('show a miss by a hair as one', () => {
    const started = (server: string, readyMs: number): Row => ({
      case: 'start',
      server,
      parameters: {},
      values: { readyMs },
    });
    const text = measured([started('weir', 1_825), started('dnsdist', 3_615)], 'start to ready, list from text', '0.5');
    expect(text).toBe('missed: 0.505 (best: dnsdist)');
  });
});
