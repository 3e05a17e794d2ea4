/** What a person is told when a file is no list, and what is read all the same. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { readListFile } from '../../../../../src/control-plane/list-sync/format/read-list-file.ts';
import { brief, readText } from '../../../../support/read-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-lists-'));
afterAll(() => rmSync(folder, { recursive: true }));

const GOOD = 'a.example\nb.example\n';
const MANY = Array.from({ length: 20_000 }, (_, index) => `name-${index}.example\n`).join('');

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from(GOOD);
  throw new Error('connection reset');
}

function* endless(chunks: number, chunk: Uint8Array): Generator<Uint8Array> {
  for (let index = 0; index < chunks; index++) yield chunk;
}

describe('a file that is no list is refused with its reason', () => {
  test.each([
    ['nothing', '', 'empty', 'it is empty'],
    ['white space', ' \r\n\n\t', 'empty', 'it is empty'],
    ['a BOM alone', '\ufeff', 'empty', 'it is empty'],
    [
      'a web page',
      '<!DOCTYPE html>\n<html><body>Log in</body></html>',
      'html',
      'it is a web page, not a list (a login or error page was saved in its place?)',
    ],
    [
      'a fragment of one',
      '\n <html>\n',
      'html',
      'it is a web page, not a list (a login or error page was saved in its place?)',
    ],
    ['random octets', createHash('shake256', { outputLength: 4096 }).digest(), 'binary', 'it is binary data, not text'],
    ['NULs', Buffer.alloc(5000), 'binary', 'it is binary data, not text'],
    [
      'gzip cut short',
      gzipSync(MANY).subarray(0, 20_000),
      'truncated',
      'its gzip data ends in the middle: the download or copy was cut short',
    ],
    [
      'gzip cut in its header',
      gzipSync(MANY).subarray(0, 6),
      'truncated',
      'its gzip data ends in the middle: the download or copy was cut short',
    ],
    [
      'zstd cut short',
      zstdCompressSync(MANY).subarray(0, 10_000),
      'truncated',
      'its zstd data ends in the middle: the download or copy was cut short',
    ],
    [
      'damaged gzip',
      gzipSync(MANY).fill(0x55, 100, 200),
      'corrupt',
      expect.stringMatching(/^its gzip data is damaged \(/),
    ],
    [
      'a zip archive',
      Buffer.from('PK\u0003\u0004 and so on'),
      'unsupportedCompression',
      'it is compressed with zip; gzip and zstd are read',
    ],
    [
      'a generator’s fault',
      '$0/\n'.repeat(1000),
      'nothingUsable',
      'none of its 1000 lines is an entry (read as plain); line 1 (notAName): $0/',
    ],
  ])('%s', async (_what, content, code, message) => {
    const { outcome } = await readText(content);
    expect(outcome).toMatchObject({ kind: 'refused', code, message });
  });

  test('one line of 200 MB, without holding it in memory', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'a');
    const read = await readListFile(
      (async function* () {
        yield* endless(200, chunk);
      })(),
      { format: 'auto' },
      {},
    );
    expect(read).toMatchObject({
      kind: 'refused',
      code: 'nothingUsable',
      message: expect.stringMatching(/^none of its 1 lines is an entry \(read as plain\); line 1 \(lineTooLong\): aaa/),
    });
  });

  test('more bytes than allowed, before and after decompression', async () => {
    expect((await readText(MANY, { bytesMax: 1000 })).outcome).toMatchObject({
      code: 'tooLarge',
      message: 'it is over 1000 bytes',
    });
    const bomb = gzipSync(Buffer.alloc(10_000_000, 'a.example\n'));
    expect((await readText(bomb, { bytesMax: bomb.length, decompressedBytesMax: 1_000_000 })).outcome).toMatchObject({
      code: 'tooLarge',
      message: 'decompressed it is over 1000000 bytes',
    });
  });

  test('more entries than allowed', async () => {
    expect((await readText(MANY, { entriesMax: 100 })).outcome).toMatchObject({
      code: 'tooManyEntries',
      message: 'it has over 100 entries',
    });
  });

  test('more wrong lines than the stated percentage, and not one fewer', async () => {
    const text = `${'a.example\n'.repeat(9)}a b\n`;
    expect((await readText(text, { badLinesPercentMax: 10 })).outcome.kind).toBe('read');
    expect((await readText(text, { badLinesPercentMax: 9 })).outcome).toMatchObject({
      code: 'tooManyBadLines',
      message: '10.0 % of its lines are wrong, 9 % are allowed (read as plain); line 10 (syntax): a b',
    });
  });

  test('lines that are right but of no use to DNS are not wrong', async () => {
    const text = `${'192.0.2.1\n'.repeat(50)}a.example\n`;
    expect((await readText(text, { badLinesPercentMax: 0, format: 'plain' })).outcome.kind).toBe('read');
  });

  test('a path that is missing, a folder, a format that is none', async () => {
    expect(await readListFile(join(folder, 'none'), { format: 'auto' }, {})).toMatchObject({
      code: 'unreadable',
      message: 'no such file',
    });
    expect(await readListFile(folder, { format: 'auto' }, {})).toMatchObject({
      code: 'unreadable',
      message: 'it is not a regular file',
    });
    expect((await readText(GOOD, { format: 'xml' })).outcome).toMatchObject({
      code: 'unknownFormat',
      message: 'there is no list format "xml"',
    });
  });

  test('a source that fails on the way', async () => {
    expect(await readListFile(failing(), { format: 'auto' }, {})).toMatchObject({
      code: 'unreadable',
      message: 'connection reset',
    });
  });
});

describe('a list is read however it comes', () => {
  const expected = ['a.example', 'b.example'];

  test.each([
    ['gzip', gzipSync(GOOD), 'gzip'],
    ['gzip of several members', Buffer.concat([gzipSync('a.example\n'), gzipSync('b.example\n')]), 'gzip'],
    ['zstd', zstdCompressSync(GOOD), 'zstd'],
    ['UTF-16 as Windows writes it', Buffer.from(`\ufeff${GOOD}`, 'utf16le'), 'none'],
    ['a BOM and CRLF', Buffer.from('\ufeffa.example\r\nb.example\r\n'), 'none'],
    ['comments around', Buffer.from(`# head\n\n${GOOD}\n# tail`), 'none'],
  ])('%s', async (_what, bytes, compression) => {
    const { outcome, entries } = await readText(bytes);
    expect(brief(entries)).toEqual(expected);
    expect(outcome).toMatchObject({ kind: 'read', report: { compression, bytes: bytes.length } });
  });

  test('a file on disk, with the hash of what lies there', async () => {
    const path = join(folder, 'list.gz');
    writeFileSync(path, gzipSync(MANY));
    const outcome = await readListFile(path, { format: 'auto' }, {});
    const sha256 = createHash('sha256').update(gzipSync(MANY)).digest('hex');
    expect(outcome).toMatchObject({
      kind: 'read',
      report: { entries: 20_000, lines: 20_000, sha256, format: 'plain' },
    });
  });

  test('a multi-octet character cut between two pieces', async () => {
    const bytes = Buffer.from('bücher.example\n');
    const read = await readText([bytes.subarray(0, 2), bytes.subarray(2)]);
    expect(brief(read.entries)).toEqual(['xn--bcher-kva.example']);
  });

  test('an empty file where that is allowed, and one of comments', async () => {
    expect((await readText('', { allowEmpty: true })).outcome).toMatchObject({ kind: 'read', report: { entries: 0 } });
    expect((await readText('# nothing yet\n')).outcome).toMatchObject({ kind: 'read', report: { entries: 0 } });
  });
});

describe('the report', () => {
  test('locates and shows what was skipped, clipped and printable', async () => {
    const text = `a.example\n\u001b[2Jx y\n${'z'.repeat(70_000)}\n192.0.2.1\nb\0.example\n`;
    const { outcome } = await readText(text, { format: 'plain' });
    expect(outcome.report).toMatchObject({
      lines: 5,
      entries: 1,
      skippedByReason: { syntax: 1, lineTooLong: 1, ipAddress: 1, binary: 1 },
      samples: {
        syntax: [{ lineNumber: 2, text: '\\x1b[2Jx y' }],
        lineTooLong: [{ lineNumber: 3, text: `${'z'.repeat(160)}…` }],
        ipAddress: [{ lineNumber: 4, text: '192.0.2.1' }],
        binary: [{ lineNumber: 5, text: 'b\\x00.example' }],
      },
      badLinesPercent: 75,
    });
  });

  test('keeps the first ten of each reason and counts the rest', async () => {
    const { outcome } = await readText(`${'192.0.2.1\n'.repeat(25)}a.example\n`, { format: 'plain' });
    expect(outcome.report?.skippedByReason.ipAddress).toBe(25);
    expect(outcome.report?.samples.ipAddress?.map((sample) => sample.lineNumber)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });
});
