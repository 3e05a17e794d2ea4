import { expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import {
  BusyNames,
  QuerySketchWriter,
  WINDOWS,
  WINDOW_SECONDS,
  createQuerySketch,
  estimateQueries,
  mergedSketch,
  totalQueries,
} from '../../../src/telemetry/query-sketch.ts';
import { wireName } from '../../support/publish-policy.ts';

const NOW_SECONDS = 1_800_000_000;
const starts = new Uint8Array(LABELS_MAX);

/** Counts `name` once for each of so many clients. */
function ask(writer: QuerySketchWriter, name: string, clients: number): void {
  const wire = wireName(name);
  const labels = labelStartsOf(wire, 0, starts);
  const client = new Uint8Array(16).fill(0xff, 10, 12);
  for (let i = 0; i < clients; i++) {
    new DataView(client.buffer).setUint32(12, 0x0a00_0000 + i);
    writer.count(wire, 0, wire.length, starts, labels, client);
  }
}

it('tells by a sample how many clients asked for a name, for it and all below it, on all threads, for a day', () => {
  const sketches = [createQuerySketch(), createQuerySketch()];
  const writers = sketches.map((sketch) => new QuerySketchWriter(sketch));
  for (const writer of writers) {
    writer.tick(NOW_SECONDS);
    ask(writer, 'www.shop.example', 20_000);
    ask(writer, 'shop.example', 10_000);
    // The same clients within the same minute count once.
    ask(writer, 'shop.example', 10_000);
  }
  const queries = (name: string, scope: 'exact' | 'subtree', nowSeconds = NOW_SECONDS): number =>
    estimateQueries(sketches, wireName(name), scope, nowSeconds).queries;
  // One of 16 is counted: of 20,000 the standard deviation is below 600; here is room for eight of them.
  const near = (value: number, expected: number): boolean => Math.abs(value - expected) < 0.25 * expected;
  expect(near(queries('shop.example', 'exact'), 20_000)).toBe(true);
  expect(near(queries('shop.example', 'subtree'), 60_000)).toBe(true);
  expect(queries('shop.example', 'subtree')).toBeLessThanOrEqual(
    estimateQueries(sketches, wireName('shop.example'), 'subtree', NOW_SECONDS).total,
  );
  expect(queries('quiet.example', 'subtree')).toBeLessThan(200);
  expect(queries('example', 'subtree')).toBe(0);
  expect(queries('shop.example', 'subtree', NOW_SECONDS + WINDOWS * WINDOW_SECONDS)).toBe(0);
});

it('sums the threads of one process, and tells which names cannot be asked for much', () => {
  const sketches = [createQuerySketch(99), createQuerySketch(99)];
  for (const sketch of sketches) {
    const writer = new QuerySketchWriter(sketch);
    writer.tick(NOW_SECONDS);
    ask(writer, 'www.shop.example', 20_000);
  }
  const wire = wireName('shop.example');
  const merged = [mergedSketch(sketches, NOW_SECONDS)];
  expect(estimateQueries(merged, wire, 'subtree', NOW_SECONDS)).toEqual(
    estimateQueries(sketches, wire, 'subtree', NOW_SECONDS),
  );
  expect(totalQueries(merged, NOW_SECONDS)).toBe(totalQueries(sketches, NOW_SECONDS));
  const later = NOW_SECONDS + WINDOWS * WINDOW_SECONDS;
  expect(totalQueries([mergedSketch(sketches, later)], later)).toBe(0);
  const busy = new BusyNames(merged[0]!, 10_000, NOW_SECONDS);
  expect(busy.mayHave(wire, 0, 'subtree')).toBe(true);
  expect(busy.mayHave(wire, 0, 'exact')).toBe(false);
  const quiet = Array.from({ length: 1000 }, (_, index) => wireName(`q${index}.example`));
  expect(quiet.filter((name) => busy.mayHave(name, 0, 'subtree')).length).toBeLessThan(20);
  expect(busy.mayHave(wireName('example'), 0, 'subtree')).toBe(false);
});
