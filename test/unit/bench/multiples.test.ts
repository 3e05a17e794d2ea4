import { expect, test } from 'vitest';
import { multipleLines } from '../../../bench/multiples.ts';
import type { Row } from '../../../bench/results.ts';

function row(name: string, server: string, outstanding: number, edns: boolean, cpuUs: number): Row {
  return { case: name, server, parameters: { names: 9, outstanding, edns }, values: { cpuUs } };
}

test('a range over the cells that both have, for each server and case', () => {
  const rows = [
    row('blocked', 'weir', 100, true, 5),
    row('blocked', 'weir', 20, true, 6),
    row('blocked', 'weir', 20, false, 8),
    row('blocked', 'peer', 100, true, 10),
    row('blocked', 'peer', 20, true, 4),
    row('blocked', 'peer', 20, false, 8),
    row('blocked', 'floor', 20, false, 4),
    row('cached', 'weir', 20, false, 3),
    row('cached', 'floor', 100, false, 3),
    row('start', 'other', 20, false, 1),
  ];
  expect(multipleLines(rows, ['blocked', 'cached'])).toEqual([
    ['peer', '0.50–1.50', ''],
    ['floor', '2.00–2.00', ''],
  ]);
});
