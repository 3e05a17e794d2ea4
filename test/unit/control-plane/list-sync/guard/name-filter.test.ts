import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameFilter, NameFound } from '../../../../../src/control-plane/list-sync/guard/name-filter.ts';

const nameArbitrary = fc
  .array(fc.constantFrom('a', 'b', 'example', 'com', 'xn--bcher-kva', '_x'), { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join('.'));
const namesArbitrary = fc.array(nameArbitrary, { maxLength: 30 });

test('never misses a name that is there, nor one above', () => {
  fc.assert(
    fc.property(namesArbitrary, namesArbitrary, nameArbitrary, (names, above, name) => {
      const found = new NameFilter(names, above).look(name);
      if (names.includes(name)) expect(found & NameFound.perhapsItself).not.toBe(0);
      if (above.some((other) => name.endsWith(`.${other}`))) expect(found & NameFound.perhapsAbove).not.toBe(0);
    }),
  );
});

test('says nothing of nearly every other name', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `in${i}.example`);
  const filter = new NameFilter(names, names);
  const wolves = Array.from({ length: 10_000 }, (_, i) => `out${i}.test`).filter((name) => filter.look(name) !== 0);
  expect(wolves.length).toBeLessThan(2000);
  expect(filter.look('www.in7.example')).toBe(NameFound.perhapsAbove);
  expect(filter.look('in7.example') & NameFound.perhapsItself).not.toBe(0);
});
