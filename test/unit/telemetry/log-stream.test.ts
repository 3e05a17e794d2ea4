import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BACKLOG_BYTES_MAX, LogStream } from '../../../src/telemetry/log-stream.ts';

/** A writer that takes what `room` allows and keeps it. */
function createWriter(room = Number.POSITIVE_INFINITY) {
  const writer = {
    room,
    chunks: [] as string[],
    write: (chunk: Uint8Array): number => {
      const taken = Math.min(chunk.length, writer.room);
      writer.room -= taken;
      if (taken > 0) writer.chunks.push(Buffer.from(chunk.subarray(0, taken)).toString());
      return taken;
    },
  };
  return writer;
}

describe('a log stream', () => {
  it('writes the lines of one turn of the event loop together, in order', async () => {
    const writer = createWriter();
    const stream = new LogStream(writer.write);
    stream.write('a\n');
    stream.write('b\n');
    expect(writer.chunks).toEqual([]);
    await turn();
    expect(writer.chunks).toEqual(['a\nb\n']);
  });

  it('writes whole lines, at most 4096 octets at a time, and a longer line alone', () => {
    const writer = createWriter();
    const stream = new LogStream(writer.write);
    const line = `${'x'.repeat(1499)}\n`;
    for (const next of [line, line, line, `${'y'.repeat(9999)}\n`, 'z\n']) stream.write(next);
    stream.flushAtExit();
    expect(writer.chunks.map((chunk) => chunk.length)).toEqual([3000, 1500, 10_000, 2]);
  });

  it('goes on in the middle of a line when a full pipe has room again', () => {
    const writer = createWriter(3);
    const stream = new LogStream((chunk) => {
      const taken = writer.write(chunk);
      if (taken === 0) writer.room = 1000;
      return taken;
    });
    stream.write('first\n');
    stream.write('second\n');
    stream.flushAtExit();
    expect(writer.chunks.join('')).toBe('first\nsecond\n');
  });

  it('drops new lines, and counts them, once the backlog is full', () => {
    const writer = createWriter(0);
    const stream = new LogStream(writer.write);
    const line = `${'x'.repeat(1023)}\n`;
    for (let written = 0; written < BACKLOG_BYTES_MAX; written += line.length) stream.write(line);
    expect(stream.dropped).toBe(0);
    stream.write(line);
    expect(stream.dropped).toBe(1);
    writer.room = Number.POSITIVE_INFINITY;
    stream.flushAtExit();
    stream.write(line);
    stream.flushAtExit();
    expect(writer.chunks.join('')).toHaveLength(BACKLOG_BYTES_MAX + line.length);
  });

  it('loses what cannot be written, and nothing else', () => {
    const written: string[] = [];
    const stream = new LogStream((chunk) => {
      if (written.length === 0 && chunk.length === 5000) throw new Error('ENOSPC');
      written.push(Buffer.from(chunk).toString());
      return chunk.length;
    });
    stream.write(`${'x'.repeat(4999)}\n`);
    stream.write('after\n');
    stream.flushAtExit();
    expect([written, stream.dropped]).toEqual([['after\n'], 1]);
  });
});

const PROGRAM = `
import { createLog } from ${JSON.stringify(new URL('../../../src/telemetry/log.ts', import.meta.url).href)};
const log = createLog({ level: 'info', name: 'main' });
for (let i = 0; i < 20_000; i++) log.info({ pad: 'x'.repeat(100) }, 'line');
setImmediate(() => setImmediate(() => { process.stderr.write('the loop goes on'); process.exit(0); }));
`;
const NODE = [process.execPath, ['--input-type=module', '--eval', PROGRAM]] as const;

describe('a process whose standard output', () => {
  it('nobody reads goes on and exits', async () => {
    const child = spawn(...NODE, { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = once(child, 'exit');
    expect(await text(child.stderr)).toBe('the loop goes on');
    expect(await exited).toEqual([0, null]);
  });

  it('was closed by its reader goes on and exits', async () => {
    const child = spawn(...NODE, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const exited = once(child, 'exit');
    expect(await text(child.stderr)).toBe('the loop goes on');
    expect(await exited).toEqual([0, null]);
  });

  it.skipIf(process.platform !== 'linux')('is a full disk goes on and exits', async () => {
    const child = spawn(...NODE, { stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'] });
    const exited = once(child, 'exit');
    expect(await text(child.stderr!)).toBe('the loop goes on');
    expect(await exited).toEqual([0, null]);
  });
});
