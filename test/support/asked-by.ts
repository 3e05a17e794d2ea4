/** Queries of many clients, as a resolver thread has counted them: for what holds or takes back what many ask for. */
import { wallClockMs } from '../../src/clock.ts';
import { LABELS_MAX, labelStartsOf } from '../../src/dns/name.ts';
import { createQuerySketch, QuerySketchWriter } from '../../src/telemetry/query-sketch.ts';
import { wireName } from './publish-policy.ts';

/** Asked by so many clients; one in 16 counts. The seed is one for all, as those of a process have it. */
export function askedBy(name: string, clients: number, nowSeconds = wallClockMs() / 1000): SharedArrayBuffer {
  const sketch = createQuerySketch(4711);
  const writer = new QuerySketchWriter(sketch);
  writer.tick(nowSeconds);
  const wire = wireName(name);
  const starts = new Uint8Array(LABELS_MAX);
  const labels = labelStartsOf(wire, 0, starts);
  const client = new Uint8Array(16).fill(0xff, 10, 12);
  for (let i = 0; i < clients; i++) {
    new DataView(client.buffer).setUint32(12, 0x0a00_0000 + i);
    writer.count(wire, 0, wire.length, starts, labels, client);
  }
  return sketch;
}
