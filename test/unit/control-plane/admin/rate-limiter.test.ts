import { expect, it } from 'vitest';
import { RateLimiter } from '../../../../src/control-plane/admin/rate-limiter.ts';

const LIMIT = { burst: 2, perSecond: 4, keysMax: 2 };

it('gives a burst, then as many a second as it may, to each key', () => {
  const limiter = new RateLimiter(LIMIT);
  expect([limiter.take('a', 0), limiter.take('a', 0), limiter.take('a', 0)]).toEqual([true, true, false]);
  expect([limiter.has('a', 0), limiter.has('b', 0), limiter.take('b', 0)]).toEqual([false, true, true]);
  expect(limiter.waitSeconds('a', 0)).toBe(1);
  expect([limiter.take('a', 249), limiter.take('a', 250), limiter.take('a', 250)]).toEqual([false, true, false]);
});

it('never has more than a burst', () => {
  const limiter = new RateLimiter(LIMIT);
  limiter.take('a', 0);
  expect([1, 2, 3].map(() => limiter.take('a', 1_000_000))).toEqual([true, true, false]);
});

it('forgets the key used longest ago', () => {
  const limiter = new RateLimiter(LIMIT);
  for (const key of ['a', 'a', 'b', 'b']) limiter.take(key, 0);
  expect(limiter.has('a', 0)).toBe(false);
  limiter.take('c', 0);
  expect([limiter.has('a', 0), limiter.has('b', 0)]).toEqual([false, true]);
});
