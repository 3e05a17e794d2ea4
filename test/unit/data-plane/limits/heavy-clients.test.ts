import { expect, it } from 'vitest';
import { HeavyClients } from '../../../../src/data-plane/limits/heavy-clients.ts';
import { KeyedHash } from '../../../../src/data-plane/limits/keyed-hash.ts';

const COUNT = 8_000;

/** Why not at random: two that share a place would be one in 256 runs. */
function unevenly(bytes: Uint8Array): void {
  for (const at of bytes.keys()) bytes[at] = (at * 167) ^ (at >> 3);
}

it('finds who sends most among very many, about as much as it was, once', () => {
  const heavy = new HeavyClients(new KeyedHash(unevenly));
  for (let i = 0; i < COUNT; i++) {
    heavy.count(false, 0xffff, 7);
    heavy.count(true, -1, -7);
    heavy.count(false, 1, i);
  }
  const worst = heavy.take().sort((one, other) => other.limited - one.limited);
  expect(worst.slice(0, 2).map(({ kind, high, low }) => [kind, high, low])).toEqual(
    expect.arrayContaining([
      ['queries', 0xffff, 7],
      ['responses', -1, -7],
    ]),
  );
  for (const { limited } of worst.slice(0, 2)) {
    expect(limited).toBeGreaterThan(0.8 * COUNT);
    expect(limited).toBeLessThan(1.2 * COUNT);
  }
  expect(heavy.take()).toEqual([]);
});
