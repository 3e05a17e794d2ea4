import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClientDigest } from '../../../../src/control-plane/event-log/client-digest.ts';
import { EventWriter } from '../../../../src/control-plane/event-log/event-writer.ts';
import { RotatingFile } from '../../../../src/control-plane/event-log/rotating-file.ts';
import { ACTIONS } from '../../../../src/policy/actions.ts';
import { ADDRESS_BYTES, writeAddress } from '../../../../src/policy/address.ts';
import { CATEGORIES } from '../../../../src/policy/category.ts';
import { incidentId } from '../../../../src/policy/incident.ts';
import { entryHash32 } from '../../../../src/policy/name-hash.ts';
import {
  EVENTS_MAX,
  EventRingReader,
  EventRingWriter,
  createEventRing,
} from '../../../../src/telemetry/blocked-events.ts';
import { EventDropRow, TRANSPORTS } from '../../../../src/telemetry/counter-labels.ts';
import { Counter, createCounters } from '../../../../src/telemetry/counters.ts';
import { wireName } from '../../../support/publish-policy.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const client = new Uint8Array(ADDRESS_BYTES);
writeAddress('192.0.2.1', client);

function writerOf(folder: string, threads = 1) {
  const rings = Array.from({ length: threads }, createEventRing);
  const producers = rings.map((ring) => new EventRingWriter(ring));
  const cells = new Float64Array(createCounters());
  const failures: (string | undefined)[] = [];
  const file = join(folder, 'events.jsonl');
  const start = (listName = (slot: number): string => (slot === 5 ? 'police' : '')): EventWriter =>
    new EventWriter({
      rings: rings.map((ring) => new EventRingReader(ring)),
      file: new RotatingFile({ file, bytesMax: 1e9, ageMsMax: 1e9, filesMax: 1 }),
      clients: new ClientDigest('raw', 60_000),
      listName,
      regionName: (row) => (row === 3 ? 'north' : undefined),
      cells,
      onFailure: ({ code }) => failures.push(code),
    });
  const writer = start();
  const block = (thread: number, name: string): boolean => {
    const [asked, entryHash] = [wireName(name), entryHash32(wireName('bad.example'), 0)];
    const [category, action] = [CATEGORIES.indexOf('loan'), ACTIONS.indexOf('sinkhole')];
    const transport = TRANSPORTS.indexOf('tcp');
    const atMs = Date.UTC(2026, 0, 31);
    return producers[thread]!.write(
      atMs,
      7,
      entryHash,
      5,
      category,
      action,
      transport,
      3,
      client,
      asked,
      0,
      asked.length,
    );
  };
  const lines = (): unknown[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const counts = () => [cells[Counter.eventsWritten], cells[Counter.eventsDropped + EventDropRow.writeFailed]];
  const lostWithThread = () => cells[Counter.eventsDropped + EventDropRow.threadDied];
  return { writer, start, block, lines, counts, lostWithThread, failures };
}

describe('the event log', () => {
  it('has one line a blocked query, with the incident that the page and the answer show', () => {
    const { writer, block, lines, counts } = writerOf(temporaryFolder('event-writer'));
    block(0, 'www.bad.example');
    expect(writer.pump(0)).toBe(false);
    expect(lines()).toEqual([
      {
        time: '2026-01-31T00:00:00.000Z',
        incident: incidentId('police', 7, wireName('bad.example')),
        name: 'www.bad.example',
        list: 'police',
        version: 7,
        category: 'loan',
        action: 'sinkhole',
        transport: 'tcp',
        region: 'north',
        client: '192.0.2.1',
      },
    ]);
    expect(counts()).toEqual([1, 0]);
  });

  it('takes a bounded number of each thread in turn, and says that there is more', () => {
    const { writer, block, lines, counts } = writerOf(temporaryFolder('event-writer'), 2);
    for (let i = 0; i < EVENTS_MAX; i++) block(0, 'busy.bad.example');
    block(1, 'quiet.bad.example');
    expect(writer.pump(0)).toBe(true);
    expect(lines()).toContainEqual(expect.objectContaining({ name: 'quiet.bad.example' }));
    expect(lines().length).toBeLessThan(EVENTS_MAX);
    while (writer.pump(0));
    expect(counts()).toEqual([EVENTS_MAX + 1, 0]);
    expect(lines()).toHaveLength(EVENTS_MAX + 1);
  });

  it('counts what cannot be written, keeps the rings empty meanwhile, and goes on afterwards', () => {
    const folder = join(temporaryFolder('event-writer'), 'later');
    const { writer, block, lines, counts, failures } = writerOf(folder);
    block(0, 'lost.bad.example');
    block(0, 'lost.bad.example');
    writer.pump(0);
    expect([counts(), failures]).toEqual([[0, 2], ['ENOENT']]);
    mkdirSync(folder);
    block(0, 'kept.bad.example');
    writer.pump(0);
    expect(counts()).toEqual([1, 2]);
    expect(lines()).toEqual([expect.objectContaining({ name: 'kept.bad.example' })]);
  });

  it('counts what a thread had taken when it died, once, and goes on with the rest', () => {
    const { start, block, lines, counts, lostWithThread } = writerOf(temporaryFolder('event-writer'), 2);
    let asked = 0;
    const dying = start(() => {
      if (++asked === 3) throw new Error('the thread dies');
      return 'police';
    });
    for (const label of ['one', 'two', 'three', 'four']) block(0, `${label}.bad.example`);
    block(1, 'other.bad.example');
    expect(() => dying.pump(0)).toThrow('the thread dies');
    expect([counts(), lostWithThread()]).toEqual([[0, 0], 0]);
    start().pump(0);
    start();
    expect([counts(), lostWithThread()]).toEqual([[2, 0], 3]);
    expect(lines()).toMatchObject([{ name: 'four.bad.example' }, { name: 'other.bad.example' }]);
  });
});
