import { expect, it } from 'vitest';
import { readOptions } from '../../../bench/options.ts';

it('tells help from a mistake, and takes cases and numbers', () => {
  expect(readOptions(['--help', '--rounds', 'many'])).toEqual({ kind: 'help' });
  expect(readOptions(['--rounds', 'many'])).toMatchObject({ kind: 'usage' });
  expect(readOptions(['--nothing'])).toMatchObject({ kind: 'usage' });
  expect(readOptions(['forward', '--rounds', '2', '--edns', 'no'])).toMatchObject({
    kind: 'ok',
    options: { cases: ['forward'], rounds: 2, edns: [false], withLatency: true },
  });
});
