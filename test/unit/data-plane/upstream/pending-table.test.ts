import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PendingTable } from '../../../../src/data-plane/upstream/pending-table.ts';

interface Entry {
  readonly id: number;
}

test('holds what a Map would hold, whatever the order of additions and removals', () => {
  // Few distinct ids, many of them neighbours, so that runs form, wrap around the end and are broken up.
  const id = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 65_300, max: 65_535 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id), { maxLength: 800 }), (steps) => {
      const table = new PendingTable<Entry>();
      const model = new Map<number, Entry>();
      for (const [isAddition, key] of steps) {
        if (isAddition && !model.has(key)) {
          const entry = { id: key };
          table.add(key, entry);
          model.set(key, entry);
        } else if (!isAddition) {
          table.remove(key);
          model.delete(key);
        }
        expect(table.size).toBe(model.size);
      }
      for (const [, key] of steps) expect(table.get(key)).toBe(model.get(key));
      expect(new Set(table.list())).toEqual(new Set(model.values()));
    }),
  );
});

test('grows to half of all ids and finds each', () => {
  const table = new PendingTable<Entry>();
  for (let id = 0; id < 32_768; id++) table.add(id * 2, { id: id * 2 });
  for (let id = 0; id < 65_536; id++) expect(table.get(id)?.id).toBe(id % 2 === 0 ? id : undefined);
});
