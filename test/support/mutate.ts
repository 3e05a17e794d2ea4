/** Byte mutation for fuzz tests: what a broken or hostile sender makes of a good message. */
import * as fc from 'fast-check';

interface Mutation {
  readonly kind: 'set' | 'cut' | 'insert' | 'repeat' | 'word';
  readonly position: number;
  readonly value: number;
}

/** Values that lengths, counts, flags and pointers turn on. */
const interesting = fc.constantFrom(0, 1, 2, 12, 41, 63, 64, 127, 128, 0xc0, 0xc00c, 0xff, 0xfffe, 0xffff);

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('set', 'cut', 'insert', 'repeat', 'word'),
  position: fc.nat(2000),
  value: fc.oneof(interesting, fc.nat(0xffff)),
});

function apply(octets: number[], { kind, position, value }: Mutation): number[] {
  const at = octets.length === 0 ? 0 : position % octets.length;
  switch (kind) {
    case 'set':
      return octets.with(at, value & 0xff);
    case 'cut':
      return octets.slice(0, at);
    case 'insert':
      return octets.toSpliced(at, 0, value & 0xff);
    case 'repeat':
      return [...octets, ...octets.slice(at)];
    case 'word':
      break;
  }
  return [...octets.slice(0, at), value >>> 8, value & 0xff, ...octets.slice(at + 2)];
}

/** Messages of `seeds` with one to six mutations each, now and then random octets. */
export function mutated(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const broken = fc
    .tuple(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 6 }))
    .map(([seed, mutations]) => {
      let octets = [...seed];
      for (const step of mutations) if (octets.length > 0) octets = apply(octets, step);
      return Uint8Array.from(octets);
    });
  return fc.oneof({ weight: 9, arbitrary: broken }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) });
}
