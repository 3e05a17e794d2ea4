import { describe, expect, it } from 'vitest';
import { NameKey } from '../../../../src/data-plane/limits/name-key.ts';
import { wireName } from '../../../support/wire.ts';

const keyOf = (key: NameKey, name: string, start = 0): string => {
  const bytes = Buffer.concat([Buffer.alloc(start, 0xee), wireName(name), Buffer.alloc(3, 0xee)]);
  key.read(bytes, start, bytes.length - 3);
  return `${key.high} ${key.low}`;
};

describe('NameKey', () => {
  it('is the same for a name wherever it lies and in any letter case', () => {
    const key = new NameKey();
    expect(keyOf(key, 'ExAmple.COM', 9)).toBe(keyOf(key, 'example.com'));
    expect(keyOf(key, 'example.con')).not.toBe(keyOf(key, 'example.com'));
  });

  it('is another one in each instance', () => {
    expect(new Set(Array.from({ length: 20 }, () => keyOf(new NameKey(), 'example.com'))).size).toBe(20);
  });

  it('tells 200,000 names apart, which 32 bits would not', () => {
    const key = new NameKey();
    const keys = new Set<string>();
    for (let index = 0; index < 200_000; index++) keys.add(keyOf(key, `n${index}.top`));
    expect(keys.size).toBe(200_000);
  });

  it('spreads names that differ little over all its bits', () => {
    const key = new NameKey();
    const ones = new Uint32Array(64);
    const NAMES = 20_000;
    for (let index = 0; index < NAMES; index++) {
      keyOf(key, `a${index}.cn`);
      for (let bit = 0; bit < 32; bit++) {
        ones[bit]! += (key.high >>> bit) & 1;
        ones[32 + bit]! += (key.low >>> bit) & 1;
      }
    }
    // Ten standard deviations: sqrt(20,000) / 2 = 71.
    for (const count of ones) expect(Math.abs(count - NAMES / 2)).toBeLessThan(710);
  });
});
