import { describe, expect, it } from 'vitest';
import { CounterSlots, regionsOf } from '../../../src/supervisor/counter-slots.ts';
import { LIST_SLOTS } from '../../../src/telemetry/counters.ts';

const names = (count: number, prefix = 'list') => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

describe('CounterSlots', () => {
  it('keeps a list’s row through every reload, also while the list is away', () => {
    const slots = new CounterSlots('lists', LIST_SLOTS);
    slots.assign(['a', 'b']);
    slots.assign(['b', 'c']);
    slots.assign(['c', 'a', 'd']);
    expect(slots.all()).toEqual({ a: 0, b: 1, c: 2, d: 3 });
  });

  it('gives as many lists as there are rows each its own', () => {
    const slots = new CounterSlots('lists', LIST_SLOTS);
    slots.assign(names(LIST_SLOTS));
    expect(new Set(Object.values(slots.all())).size).toBe(LIST_SLOTS);
    expect(Math.max(...Object.values(slots.all()))).toBe(LIST_SLOTS - 1);
  });

  it('gives the row of the list that left first again only when every row has been given out', () => {
    const slots = new CounterSlots('lists', LIST_SLOTS);
    slots.assign(names(LIST_SLOTS));
    const kept = names(LIST_SLOTS).filter((name) => name !== 'list-3' && name !== 'list-9');
    slots.assign([...kept, 'new-0']);
    expect(slots.all()['new-0']).toBe(3);
    expect(slots.all()['list-3']).toBeUndefined();
    slots.assign([...kept, 'new-0', 'new-1']);
    expect(slots.all()['new-1']).toBe(9);
    for (const name of kept) expect(slots.all()[name]).toBe(Number(name.slice('list-'.length)));
  });

  it('can exchange all of a full table for others', () => {
    const slots = new CounterSlots('lists', LIST_SLOTS);
    slots.assign(names(LIST_SLOTS));
    slots.assign(names(LIST_SLOTS, 'other'));
    const all = slots.all();
    expect(Object.keys(all).every((name) => name.startsWith('other-'))).toBe(true);
    expect(new Set(Object.values(all)).size).toBe(LIST_SLOTS);
  });

  it('refuses more lists than there are rows', () => {
    expect(() => new CounterSlots('lists', LIST_SLOTS).assign(names(LIST_SLOTS + 1))).toThrow(
      `more than ${LIST_SLOTS} lists`,
    );
  });

  it('has a row for who is in no region as soon as there is one', () => {
    expect(regionsOf([{ region: undefined }])).toEqual([]);
    expect(regionsOf([{ region: 'north' }, { region: undefined }, { region: 'north' }])).toEqual(['none', 'north']);
  });
});
