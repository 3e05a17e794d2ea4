/** A bulk push as lines: what is in them, what is left out, and that memory does not follow the file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { PushEntries, type PushPlan, type PushProgress } from '../../../src/cli/push-entries.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder('push-entries');

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const PLAN: PushPlan = {
  reason: 'case 7',
  idempotencyKey: 'key-1',
  add: [],
  remove: [],
  addFile: undefined,
  removeFile: undefined,
  format: 'auto',
  fields: {},
};

function recording(): PushProgress & { readonly said: string[] } {
  const said: string[] = [];
  return {
    said,
    start: (total) => said.push(`start ${total}`),
    read: (bytes) => said.push(`read ${bytes}`),
    entries: () => undefined,
    waiting: () => said.push('waiting'),
    end: () => said.push('end'),
  };
}

async function linesOf(plan: Partial<PushPlan>): Promise<{ lines: unknown[]; entries: PushEntries; said: string[] }> {
  const progress = recording();
  const entries = new PushEntries({ ...PLAN, ...plan }, progress);
  let text = '';
  for await (const chunk of entries.stream().setEncoding('utf8')) text += chunk as string;
  const lines = text.trimEnd().split('\n');
  return { lines: lines.map((line) => JSON.parse(line) as unknown), entries, said: progress.said };
}

describe('the lines of a push', () => {
  test('begin with the reason and the key, then what is added and what is taken back', async () => {
    const { lines, entries, said } = await linesOf({
      add: ['a.example'],
      remove: ['b.example'],
      addFile: file('add.txt', 'c.example\nd.example\n'),
      removeFile: file('remove.txt', '0.0.0.0 e.example\n0.0.0.0 f.example\n'),
    });
    expect(lines).toEqual([
      { reason: 'case 7', idempotencyKey: 'key-1' },
      { add: { name: 'a.example' } },
      { remove: 'b.example' },
      { add: { name: 'c.example', scope: 'subtree' } },
      { add: { name: 'd.example', scope: 'subtree' } },
      { remove: 'e.example' },
      { remove: 'f.example' },
    ]);
    expect(entries.entries).toBe(6);
    expect(said).toEqual(['start 56', 'read 20', 'read 36', 'waiting']);
  });

  test('say what the list says; the command line fills in the rest, and decides the scope', async () => {
    const own = {
      name: 'a.example',
      scope: 'exact',
      category: 'loan',
      reference: 'R',
      note: 'N',
      expiresAt: '2030-01-01T00:00:00Z',
    };
    const addFile = file(
      'own.jsonl',
      `${JSON.stringify(own)}\n{"name":"b.example"}\n{"name":"c.example","category":"pyramid"}\n`,
    );
    const fields = {
      category: 'scam',
      reference: 'case',
      note: 'all',
      expiresAt: '2031-01-01T00:00:00Z',
      mode: 'shadow',
    };
    const { lines } = await linesOf({ addFile, fields });
    expect(lines.slice(1)).toEqual([
      { add: { ...own, expiresAt: '2030-01-01T00:00:00.000Z', mode: 'shadow' } },
      { add: { name: 'b.example', scope: 'subtree', ...fields } },
      { add: { name: 'c.example', scope: 'subtree', ...fields, category: 'pyramid' } },
    ]);
    const exact = await linesOf({ addFile, removeFile: addFile, fields: { scope: 'exact' } });
    expect(exact.lines[2]).toEqual({ add: { name: 'b.example', scope: 'exact' } });
    expect(exact.lines[5]).toEqual({ remove: { name: 'b.example', scope: 'exact' } });
  });

  test('leave out and count exceptions and what is no name', async () => {
    const { lines, entries } = await linesOf({
      addFile: file('mixed.txt', '||a.example^\n@@||b.example^\n||192.0.2.1^\n'),
    });
    expect(lines).toHaveLength(2);
    expect(entries.exceptions).toBe(1);
    expect(entries.skippedByReason).toEqual({ ipAddress: 1 });
  });

  test.each([
    ['too many bad lines', 'bad.txt', 'good.example\n a b c \n d e f\n', 'lines are wrong'],
    ['a page', 'page.html', '<!DOCTYPE html><html></html>', 'web page'],
    ['a file that is cut short', 'cut.gz', gzipSync('a.example\n'.repeat(10_000)).subarray(0, -20), 'cut short'],
  ])('end with an error where the list is bad: %s', async (_what, name, content, message) => {
    const entries = new PushEntries({ ...PLAN, addFile: file(name, content), format: 'plain' }, recording());
    const stream = entries.stream();
    const outcome = await new Promise((resolve) => {
      stream
        .once('error', resolve)
        .once('end', () => resolve('ended'))
        .resume();
    });
    expect(outcome).toBeInstanceOf(Error);
    expect(entries.problem).toContain(message);
    expect(entries.problem).toContain('nothing was pushed');
  });

  test('end with an error where there is no such file', async () => {
    const entries = new PushEntries({ ...PLAN, addFile: join(folder, 'none') }, recording());
    await new Promise((resolve) => entries.stream().once('error', resolve).resume());
    expect(entries.problem).toContain('no such file');
  });
});

describe('a reader that is slow', () => {
  const big = file('big.txt', Array.from({ length: 200_000 }, (_, index) => `n${index}.example\n`).join(''));

  test('slows the reading of the file down', async () => {
    const progress = recording();
    const entries = new PushEntries({ ...PLAN, addFile: big }, progress);
    const stream = entries.stream();
    await new Promise((resolve) => stream.once('readable', resolve));
    await settled();
    // Nobody has taken anything: one chunk of the file is under way, and that is all.
    expect(progress.said.filter((one) => one.startsWith('read')).length).toBeLessThan(4);
    expect(stream.readableLength).toBeLessThan(1024 * 1024);
    let count = 0;
    for await (const chunk of stream.setEncoding('utf8')) count += (chunk as string).split('\n').length - 1;
    expect(count).toBe(200_001);
  });

  test('that goes away ends the reading', async () => {
    const progress = recording();
    const entries = new PushEntries({ ...PLAN, addFile: big }, progress);
    const stream = entries.stream();
    await new Promise((resolve) => stream.once('readable', resolve));
    stream.destroy();
    await settled();
    expect(progress.said.filter((one) => one.startsWith('read')).length).toBeLessThan(4);
    expect(progress.said).not.toContain('waiting');
    expect(entries.problem).toBeUndefined();
  });
});

/** Long enough for files to be read, if somebody reads. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}
