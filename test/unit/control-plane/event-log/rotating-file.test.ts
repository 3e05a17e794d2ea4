import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RotatingFile } from '../../../../src/control-plane/event-log/rotating-file.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const DAY_MS = 86_400_000;

function fileIn(folder: string, options: { bytesMax?: number; ageMsMax?: number; filesMax?: number } = {}) {
  const file = join(folder, 'events.jsonl');
  const output = new RotatingFile({ file, bytesMax: 100, ageMsMax: DAY_MS, filesMax: 10, ...options });
  const content = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const aside = (): string[] => readdirSync(folder).filter((name) => name.startsWith('events.jsonl.'));
  const asideContent = (): string[] => aside().map((name) => readFileSync(join(folder, name), 'utf8'));
  return { file, output, content, aside, asideContent };
}

const LINE = `${'x'.repeat(59)}\n`;

describe('the file of the event log', () => {
  it('is appended to, goes on after a restart, and is for its group to read and for nobody else', () => {
    const folder = temporaryFolder('event-log');
    const first = fileIn(folder);
    expect(first.output.append('a\n', 1000)).toBeUndefined();
    first.output.close();
    const second = fileIn(folder);
    expect(second.output.append('b\n', 2000)).toBeUndefined();
    second.output.close();
    expect([second.content(), second.aside()]).toEqual(['a\nb\n', []]);
    expect(statSync(second.file).mode & 0o137).toBe(0);
  });

  it('is put aside before it would be larger than allowed, named by the time', () => {
    const { output, content, aside, asideContent } = fileIn(temporaryFolder('event-log'));
    const now = Date.UTC(2026, 0, 31, 8, 15, 0, 7);
    output.append('a\n', now);
    output.append(LINE, now);
    output.append(LINE, now);
    expect(content()).toBe(LINE);
    expect(aside()).toEqual(['events.jsonl.2026-01-31T08-15-00.007Z']);
    expect(asideContent()).toEqual([`a\n${LINE}`]);
  });

  it('is put aside once it is old, and not before', () => {
    const { output, content, asideContent } = fileIn(temporaryFolder('event-log'), { ageMsMax: 60_000 });
    output.append('a\n', 1_000_000);
    output.append('b\n', 1_059_999);
    expect(content()).toBe('a\nb\n');
    output.append('c\n', 1_060_000);
    expect([content(), asideContent()]).toEqual(['c\n', ['a\nb\n']]);
  });

  it('loses nothing where several are put aside in one millisecond', () => {
    const { output, content, asideContent } = fileIn(temporaryFolder('event-log'), { bytesMax: 4 });
    for (const line of ['one\n', 'two\n', 'six\n', 'ten\n']) output.append(line, 5000);
    expect([...asideContent(), content()]).toEqual(['one\n', 'two\n', 'six\n', 'ten\n']);
  });

  it('is kept so many times, oldest removed first; what is not its own stays', () => {
    const folder = temporaryFolder('event-log');
    const other = join(folder, 'events.jsonl.notes');
    writeFileSync(other, 'mine');
    const { output, asideContent } = fileIn(folder, { bytesMax: 4, filesMax: 2 });
    for (const [at, line] of ['one\n', 'two\n', 'six\n', 'ten\n'].entries()) output.append(line, 5000 + at);
    expect(asideContent()).toEqual(['two\n', 'six\n', 'mine']);
  });

  it('is put aside once it is old, and kept no longer than all together, though nothing is written', () => {
    const { output, content, aside, asideContent } = fileIn(temporaryFolder('event-log'), {
      ageMsMax: 60_000,
      filesMax: 2,
    });
    output.append('a\n', 1_000_000);
    expect(output.tend(1_059_999)).toBeUndefined();
    expect(aside()).toEqual([]);
    expect(output.tend(1_060_000)).toBeUndefined();
    expect([content(), asideContent()]).toEqual(['', ['a\n']]);
    output.tend(1_180_000);
    expect(asideContent()).toEqual(['a\n']);
    output.tend(1_180_001);
    expect(aside()).toEqual([]);
  });

  it('is as old as its first line, however long it was empty', () => {
    const { output, content, aside } = fileIn(temporaryFolder('event-log'), { ageMsMax: 60_000 });
    output.tend(1_000_000);
    output.append('a\n', 1_059_999);
    output.append('b\n', 1_100_000);
    output.tend(1_119_998);
    expect([content(), aside()]).toEqual(['a\nb\n', []]);
  });

  it('answers with the error where it cannot be looked after', () => {
    expect(fileIn(join(temporaryFolder('event-log'), 'none')).output.tend(1000)?.code).toBe('ENOENT');
  });

  it('answers with the error where it cannot be written, and is written again once it can', () => {
    const folder = join(temporaryFolder('event-log'), 'later');
    const { output, content } = fileIn(folder);
    expect(output.append('lost\n', 1000)?.code).toBe('ENOENT');
    mkdirSync(folder);
    expect(output.append('kept\n', 2000)).toBeUndefined();
    expect(content()).toBe('kept\n');
  });
});
