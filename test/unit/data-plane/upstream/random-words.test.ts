import { expect, test } from 'vitest';
import { pickBelow, RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';

test('words do not repeat from batch to batch and use every bit', () => {
  const random = new RandomWords();
  const words = Array.from({ length: 5000 }, () => random.next());
  // 5000 of 2^32: three equal pairs among honest ones are less likely than one in 10^9.
  expect(new Set(words).size).toBeGreaterThan(4997);
  let ones = 0;
  let zeros = 0;
  for (const word of words) {
    ones |= word;
    zeros |= ~word;
  }
  expect(ones >>> 0).toBe(0xffff_ffff);
  expect(zeros >>> 0).toBe(0xffff_ffff);
});

test('picks lie below the count and reach both ends', () => {
  expect(pickBelow(0xffff_ffff, 16)).toBe(15);
  expect(pickBelow(0x0000_ffff, 16)).toBe(0);
  expect(pickBelow(0xffff_0000, 1)).toBe(0);
  expect(pickBelow(0x8000_0000, 65_536)).toBe(0x8000);
});
