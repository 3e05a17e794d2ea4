import { describe, expect, it } from 'vitest';
import { createLog, createLogLimiter } from '../../../src/telemetry/log.ts';
import type { LogLevel } from '../../../src/telemetry/log.ts';

function logInto(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level, name: 'resolver-0' }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

describe('the log', () => {
  it('writes one JSON object a line: time, level in words, thread, fields, message', () => {
    const { log, lines } = logInto('info');
    log.info({ list: 'sample' }, 'loaded');
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        thread: 'resolver-0',
        list: 'sample',
        msg: 'loaded',
      },
    ]);
  });

  it('leaves out what is below its level, and everything when silent', () => {
    const { log, lines } = logInto('warn');
    log.info('no');
    log.warn('yes');
    expect(lines.map(({ msg }) => msg)).toEqual(['yes']);
    const silent = logInto('silent');
    silent.log.fatal('no');
    expect(silent.lines).toEqual([]);
  });

  it('keeps a line break in a field from making two lines', () => {
    const written: string[] = [];
    const log = createLog({ level: 'info', name: 'main' }, { write: (line) => void written.push(line) });
    log.info({ detail: 'a\nb' }, 'c\nd');
    expect(written).toHaveLength(1);
    expect(written[0]?.indexOf('\n')).toBe((written[0]?.length ?? 0) - 1);
  });
});

describe('the limiter', () => {
  it('passes one message in an interval for each key, and says how many it held back', () => {
    const { log, lines } = logInto('info');
    let nowMs = 0;
    const logEvery = createLogLimiter(log, () => nowMs);
    for (let i = 0; i < 100; i++) logEvery('send', 1000)('warn', { code: 'ENOBUFS' }, 'cannot send');
    logEvery('receive', 1000)('error', {}, 'cannot receive');
    nowMs = 999;
    logEvery('send', 1000)('warn', { code: 'ENOBUFS' }, 'cannot send');
    nowMs = 1000;
    logEvery('send', 1000)('warn', { code: 'ENOBUFS' }, 'cannot send');
    expect(lines.map(({ level, msg, suppressed }) => [level, msg, suppressed])).toEqual([
      ['warn', 'cannot send', undefined],
      ['error', 'cannot receive', undefined],
      ['warn', 'cannot send', 100],
    ]);
  });

  it('does not grow with its keys', () => {
    const { log, lines } = logInto('info');
    const logEvery = createLogLimiter(log, () => 0);
    for (let i = 0; i < 2500; i++) logEvery(`key ${i % 1250}`, 1000)('info', {}, 'message');
    expect(lines.length).toBeGreaterThan(1250);
  });
});
