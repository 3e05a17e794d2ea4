import { describe, expect, it } from 'vitest';
import {
  type BlockedEvent,
  EVENTS_MAX,
  EventRingReader,
  EventRingWriter,
  NO_REGION_ROW,
  createEventRing,
} from '../../../src/telemetry/blocked-events.ts';
import { wireName } from '../../support/publish-policy.ts';

function ringOf() {
  const ring = createEventRing();
  const writer = new EventRingWriter(ring);
  const write = (name: string, version = 1, client?: Uint8Array, regionRow = 256): boolean => {
    const octets = wireName(name);
    return writer.write(1000.5, version, 0xdead_beef, 255, 3, 4, 2, regionRow, client, octets, 0, octets.length);
  };
  const reader = new EventRingReader(ring);
  const drain = (eventsMax = EVENTS_MAX): BlockedEvent[] => {
    const events: BlockedEvent[] = [];
    expect(reader.drain(eventsMax, (event) => events.push(event))).toBe(events.length);
    return events;
  };
  return { write, drain, reader };
}

describe('blocked queries on their way to the event log', () => {
  it('come out as they went in, oldest first, once', () => {
    const { write, drain } = ringOf();
    const client = Uint8Array.from({ length: 16 }, (_, index) => index);
    expect([write('WWW.Bad.example', 0xffff_ffff, client), write('b.example', 1, undefined, NO_REGION_ROW)]).toEqual([
      true,
      true,
    ]);
    const events = drain();
    expect(events[0]).toEqual({
      atMs: 1000.5,
      version: 0xffff_ffff,
      entryHash: 0xdead_beef,
      listSlot: 255,
      categoryIndex: 3,
      actionIndex: 4,
      transport: 2,
      regionRow: 256,
      client,
      name: 'www.bad.example',
    });
    expect(events[1]).toMatchObject({ name: 'b.example', regionRow: NO_REGION_ROW, client: new Uint8Array(16) });
    expect(drain()).toEqual([]);
  });

  it('are refused, not written over, where nobody reads; there is room again for each that is read', () => {
    const { write, drain } = ringOf();
    for (let i = 0; i < EVENTS_MAX; i++) expect(write(`n${i}.example`)).toBe(true);
    expect(write('late.example')).toBe(false);
    expect(drain(1).map(({ name }) => name)).toEqual(['n0.example']);
    expect([write('next.example'), write('late.example')]).toEqual([true, false]);
    const rest = drain().map(({ name }) => name);
    expect([rest.length, rest[0], rest.at(-1)]).toEqual([EVENTS_MAX, 'n1.example', 'next.example']);
  });

  it('are not handed out again after one that its reader choked on', () => {
    const { write, drain, reader } = ringOf();
    write('a.example');
    write('b.example');
    expect(() =>
      reader.drain(2, () => {
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(drain().map(({ name }) => name)).toEqual(['b.example']);
  });
});
