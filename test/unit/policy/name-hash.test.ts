import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import { entryHash32, hashName, hashSuffixes } from '../../../src/policy/name-hash.ts';
import { wireName } from '../../support/publish-policy.ts';

const label = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);
const anyName = fc.array(label, { minLength: 1, maxLength: 12 }).map((labels) => labels.join('.'));

describe('name hashes', () => {
  it('of a suffix are those of the suffix as a name of its own', () => {
    fc.assert(
      fc.property(anyName, fc.integer({ min: 0, max: 0xffff_ffff }), fc.nat(20), (text, seed, padding) => {
        const name = wireName(text);
        const bytes = new Uint8Array(padding + name.length);
        bytes.set(name, padding);
        const starts = new Uint8Array(LABELS_MAX);
        const count = labelStartsOf(name, 0, starts);
        const hashes = new Uint32Array(LABELS_MAX);
        hashSuffixes(bytes, padding, starts, count, seed, hashes);
        const labels = text.split('.');
        labels.forEach((_, i) => {
          expect(hashes[i]).toBe(hashName(wireName(labels.slice(i).join('.')), 0, seed));
        });
      }),
    );
  });

  it('do not know upper from lower case', () => {
    expect(hashName(wireName('WwW.ExAmPlE'), 0, 7)).toBe(hashName(wireName('www.example'), 0, 7));
  });

  it('tell the label boundaries of a name', () => {
    const hashes = ['ab.c.example', 'a.bc.example', 'abc.example', 'abc\\.example'].map((t) =>
      hashName(wireName(t), 0, 1),
    );
    expect(new Set(hashes).size).toBe(4);
  });

  it('depend on the seed, but for the one in incident ids', () => {
    const name = wireName('pay.example');
    expect(hashName(name, 0, 1)).not.toBe(hashName(name, 0, 2));
    // Pinned: incident ids already given out must stay findable.
    expect(entryHash32(name, 0)).toBe(2_186_624_698);
  });

  it('are undefined for the root and for a malformed name', () => {
    expect(hashName(new Uint8Array([0]), 0, 1)).toBeUndefined();
    expect(hashName(new Uint8Array([0xc0, 12]), 0, 1)).toBeUndefined();
    expect(hashName(new Uint8Array([5, 97]), 0, 1)).toBeUndefined();
  });

  it('spread evenly over the top bits, which choose the slot', () => {
    const buckets = new Uint32Array(64);
    for (let i = 0; i < 64_000; i++) buckets[hashName(wireName(`shop${i}.example`), 0, 99)! >>> 26]!++;
    // 1000 expected in each; six standard deviations are 190.
    for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(190);
  });
});
