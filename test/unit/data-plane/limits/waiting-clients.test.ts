import { array, assert, integer, property, tuple } from 'fast-check';
import { expect, it } from 'vitest';
import { KeyedHash } from '../../../../src/data-plane/limits/keyed-hash.ts';
import { WaitingClients } from '../../../../src/data-plane/limits/waiting-clients.ts';

it('counts each client as a map would, whatever comes and goes, where all want the same place', () => {
  const hashes = [new KeyedHash((bytes) => bytes.fill(0)), new KeyedHash((bytes) => bytes.fill(0xff)), new KeyedHash()];
  assert(
    property(
      integer({ min: 0, max: hashes.length - 1 }),
      array(tuple(integer({ min: -3, max: 3 }), integer({ min: -3, max: 3 }), integer({ min: 0, max: 2 }))),
      (which, steps) => {
        const table = new WaitingClients(hashes[which]!);
        const model = new Map<string, number>();
        for (const [high, low, kind] of steps) {
          const key = `${high} ${low}`;
          const count = model.get(key) ?? 0;
          if (kind > 0) table.add(high, low);
          else table.remove(high, low);
          model.set(key, kind > 0 ? count + 1 : Math.max(0, count - 1));
        }
        return [...model].every(([key, count]) => {
          const [high, low] = key.split(' ').map(Number);
          return table.count(high!, low!) === count;
        });
      },
    ),
    { numRuns: 200 },
  );
});

it('holds as many clients as may wait', () => {
  const table = new WaitingClients(new KeyedHash());
  for (let key = 0; key < 20_000; key++) table.add(0xffff, key);
  for (let key = 0; key < 20_000; key += 2) table.remove(0xffff, key);
  for (let key = 0; key < 20_000; key++) expect(table.count(0xffff, key)).toBe(key % 2);
});
