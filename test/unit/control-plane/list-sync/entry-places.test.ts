/** Where entries lie: each name is found, held ones and others are not, however names share slots. */
import { describe, expect, test } from 'vitest';
import { entriesAtPlaces, placesOf } from '../../../../src/control-plane/list-sync/entry-places.ts';
import type { ListEntry } from '../../../../src/control-plane/list-sync/format/list-format.ts';
import { SegmentWriter } from '../../../../src/control-plane/list-sync/list-segment.ts';
import type { SegmentData } from '../../../../src/control-plane/list-sync/segment-data.ts';
import { nameFromText } from '../../../../src/dns/name.ts';

const NONE_HELD = new Uint32Array(0);

function segmentOf(...entries: readonly (Partial<ListEntry> & { name: string })[]): SegmentData {
  const writer = new SegmentWriter();
  for (const entry of entries) writer.add({ kind: 'block', scope: 'subtree', ...entry });
  return { kind: 'memory', payload: new Uint8Array(writer.payload()) };
}

const withReference = (name: string, reference: string, more: Partial<ListEntry> = {}) => ({
  name,
  provenance: { reference },
  ...more,
});

function found(segment: SegmentData, name: string, held = NONE_HELD): (string | undefined)[] {
  const places = placesOf(segment, held)!;
  return entriesAtPlaces(segment, places, nameFromText(name)!).map(({ provenance }) => provenance?.reference);
}

describe('places', () => {
  test('are none where no entry says more than its name', () => {
    expect(placesOf(segmentOf({ name: 'a.example' }, { name: 'b.example' }), NONE_HELD)).toBeUndefined();
    expect(placesOf(segmentOf(), NONE_HELD)).toBeUndefined();
  });

  test('lead to every entry of many, and from no other name to one', () => {
    const names = Array.from({ length: 3_000 }, (_, i) => `n${i}.${i % 7 === 0 ? 'sub.' : ''}example`);
    const segment = segmentOf(...names.map((name, i) => withReference(name, `r${i}`)));
    const places = placesOf(segment, NONE_HELD)!;
    for (const [i, name] of names.entries()) {
      const entries = entriesAtPlaces(segment, places, nameFromText(name)!);
      expect(entries.map((entry) => [entry.name, entry.provenance?.reference])).toEqual([[name, `r${i}`]]);
    }
    for (let i = 0; i < 3_000; i++) {
      expect(entriesAtPlaces(segment, places, nameFromText(`n${i}.other`)!)).toEqual([]);
    }
    expect(places.slots.byteLength / names.length).toBeLessThan(6.1);
  });

  test('lead to all that a list says of a name, of either scope, with or without a reference', () => {
    const exact = withReference('bad.example', 'exact', { scope: 'exact' });
    const segment = segmentOf(exact, { name: 'bad.example' }, withReference('other.example', 'o'));
    expect(new Set(found(segment, 'bad.example'))).toEqual(new Set(['exact', undefined]));
  });

  test('leave out what is held', () => {
    const segment = segmentOf(withReference('a.example', 'a'), withReference('b.example', 'b'));
    expect(found(segment, 'a.example', new Uint32Array([0]))).toEqual([]);
    expect(found(segment, 'b.example', new Uint32Array([0]))).toEqual(['b']);
  });

  test('end the look where every slot is taken and none is of the name', () => {
    const segment = segmentOf(withReference('a.example', 'a'));
    const places = { seed: 1, slots: new Uint32Array([1, 1]) };
    expect(entriesAtPlaces(segment, places, nameFromText('b.example')!)).toEqual([]);
    expect(
      entriesAtPlaces(segment, { seed: 1, slots: new Uint32Array([9_999, 9_999]) }, nameFromText('a.example')!),
    ).toEqual([]);
  });
});
