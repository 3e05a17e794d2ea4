import { array, assert, double, integer, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BucketTable } from '../../../../src/data-plane/limits/bucket-table.ts';
import { KeyedHash } from '../../../../src/data-plane/limits/keyed-hash.ts';

/** Everything in one pair of places. */
const oneHash = (): KeyedHash => new KeyedHash((bytes) => bytes.fill(0));

function table(perSecondMax: number, burstMax: number, slots?: number, hash = new KeyedHash()): BucketTable {
  const made = new BucketTable(hash, slots);
  made.configure(perSecondMax, burstMax);
  return made;
}

function takeAll(buckets: BucketTable, key: number, nowMs: number, tries: number): number {
  let taken = 0;
  for (let count = 0; count < tries; count++) if (buckets.take(0, key, nowMs)) taken++;
  return taken;
}

describe('a bucket', () => {
  it('gives its burst at once, and then what time brings', () => {
    const buckets = table(10, 3);
    expect(takeAll(buckets, 7, 1000, 10)).toBe(3);
    expect(takeAll(buckets, 7, 1099, 10)).toBe(0);
    expect(takeAll(buckets, 7, 1101, 10)).toBe(1);
    expect(takeAll(buckets, 7, 1_000_000, 10)).toBe(3);
  });

  it('is each key’s own', () => {
    const buckets = table(10, 3);
    expect(takeAll(buckets, 7, 1000, 10)).toBe(3);
    expect(takeAll(buckets, 8, 1000, 10)).toBe(3);
    expect(buckets.take(1, 7, 1000)).toBe(true);
  });

  it('has no limit at rate 0, and keeps what was taken when the rate changes', () => {
    const buckets = table(0, 3);
    expect(takeAll(buckets, 7, 1000, 10_000)).toBe(10_000);
    buckets.configure(10, 3);
    expect(takeAll(buckets, 7, 1000, 10)).toBe(3);
    buckets.configure(10, 4);
    expect(takeAll(buckets, 7, 1000, 10)).toBe(1);
  });

  it('never gives more than its rate times the time and its burst, whatever is asked when', () => {
    assert(
      property(
        integer({ min: 1, max: 5000 }),
        integer({ min: 1, max: 500 }),
        array(tuple(double({ min: 0, max: 300, noNaN: true }), integer({ min: 1, max: 200 })), {
          minLength: 1,
          maxLength: 60,
        }),
        (perSecondMax, burstMax, steps) => {
          const buckets = table(perSecondMax, burstMax);
          let [nowMs, taken] = [5000, 0];
          for (const [waitMs, tries] of steps) {
            nowMs += waitMs;
            taken += takeAll(buckets, 9, nowMs, tries);
          }
          return taken <= burstMax + (perSecondMax * (nowMs - 5000)) / 1000 + 0.001;
        },
      ),
    );
  });

  it('gives who stays below the rate everything', () => {
    assert(
      property(
        integer({ min: 1, max: 5000 }),
        integer({ min: 1, max: 50 }),
        array(double({ min: 1, max: 50, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (perSecondMax, burstMax, factors) => {
          const buckets = table(perSecondMax, burstMax);
          let nowMs = 5000;
          return factors.every((factor) => buckets.take(0, 9, (nowMs += (factor * 1000) / perSecondMax)));
        },
      ),
    );
  });
});

describe('a crowded table', () => {
  it('gives up the fuller bucket, and keeps the one that is over its limit', () => {
    const buckets = table(1, 5, 2, oneHash());
    expect(takeAll(buckets, 1, 1000, 9)).toBe(5);
    for (let key = 2; key < 500; key++) expect(buckets.take(0, key, 1000)).toBe(true);
    expect(buckets.take(0, 1, 1000)).toBe(false);
  });

  it('lets a key that was given up begin anew', () => {
    const buckets = table(1, 5, 2, oneHash());
    for (const key of [1, 2]) takeAll(buckets, key, 1000, 5);
    expect(takeAll(buckets, 3, 1000, 9)).toBe(5);
    expect(takeAll(buckets, 1, 1000, 9) + takeAll(buckets, 2, 1000, 9)).toBe(5);
  });
});

describe('the hash', () => {
  it('is another in each table of random octets', () => {
    const places = [new KeyedHash(), new KeyedHash()].map((hash) =>
      Array.from({ length: 64 }, (_, key) => hash.of(0, key)),
    );
    expect(places[0]).not.toEqual(places[1]);
  });

  it('spreads neighbours over the table', () => {
    const hash = new KeyedHash();
    const places = new Set(Array.from({ length: 4096 }, (_, key) => hash.of(0xffff, key << 8) & 0x7fff));
    expect(places.size).toBeGreaterThan(3000);
  });

  it('looks at every octet', () => {
    const hash = new KeyedHash();
    const places = new Set([hash.of(0, 0)]);
    for (let bit = 0; bit < 32; bit++) places.add(hash.of(1 << bit, 0)).add(hash.of(0, 1 << bit));
    expect(places.size).toBe(65);
  });
});
