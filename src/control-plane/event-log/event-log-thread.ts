/**
 * The event thread, started where `eventLog.file` is set: writes one line a blocked query, out of the rings that the
 * resolver threads fill. It may throw, hang in a slow disk or be replaced: blocked queries are answered all the same,
 * and the events that found their ring full are counted by the resolver threads.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { wallClockMs } from '../../clock.ts';
import { EventRingReader } from '../../telemetry/blocked-events.ts';
import { startHeartbeat } from '../../telemetry/heartbeat.ts';
import { createLog, createLogLimiter } from '../../telemetry/log.ts';
import type { EventThreadData, ToEvents } from '../messages.ts';
import { ClientDigest } from './client-digest.ts';
import { EventWriter } from './event-writer.ts';
import { RotatingFile } from './rotating-file.ts';

const PUMP_INTERVAL_MS = 20;
const LOG_INTERVAL_MS = 60_000;
const TEND_INTERVAL_MS = 60_000;

const { config, counters, rings, listSlots, regionSlots, heartbeat } = workerData as EventThreadData & {
  readonly heartbeat: SharedArrayBuffer;
};
const { file, bytesMax, ageSecondsMax, filesMax, clientAddress, hashRotationSeconds } = config.eventLog;
const port = parentPort!;
const log = createLog({ level: config.log.level, name: 'events' });
const logEvery = createLogLimiter(log);
const logFailure = logEvery('write', LOG_INTERVAL_MS);
const logUntended = logEvery('tend', LOG_INTERVAL_MS);
startHeartbeat(heartbeat);

let lists = namesBySlot(listSlots);
let regions = namesBySlot(regionSlots);
const output = new RotatingFile({ file, bytesMax, ageMsMax: ageSecondsMax * 1000, filesMax });
const writer = new EventWriter({
  rings: rings.map((ring) => new EventRingReader(ring)),
  file: output,
  clients: new ClientDigest(clientAddress, hashRotationSeconds * 1000),
  listName: (slot) => lists.get(slot) ?? '',
  regionName: (row) => regions.get(row),
  cells: new Float64Array(counters),
  onFailure: ({ code }) => logFailure('error', { file, code }, 'the event log cannot be written; events are lost'),
});

function namesBySlot(slots: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(slots).map(([name, slot]) => [slot, name]));
}

let timer = setTimeout(pump, PUMP_INTERVAL_MS);
function pump(): void {
  const isMore = writer.pump(wallClockMs());
  timer = setTimeout(pump, isMore ? 0 : PUMP_INTERVAL_MS);
}

/** By the clock, for it may be long until the next query is blocked. */
function tend(): void {
  const code = output.tend(wallClockMs())?.code;
  if (code !== undefined)
    logUntended('error', { file, code }, 'the files of the event log cannot be put aside or removed');
}
tend();
const tending = setInterval(tend, TEND_INTERVAL_MS);

port.on('message', (message: ToEvents) => {
  switch (message.kind) {
    case 'rows':
      lists = namesBySlot(message.listSlots);
      regions = namesBySlot(message.regionSlots);
      break;
    case 'stop':
      clearTimeout(timer);
      clearInterval(tending);
      // Why bounded by itself: the resolver threads have ended, so nothing comes any more.
      while (writer.pump(wallClockMs()));
      output.close();
      port.close();
      break;
  }
});
