/** What a configuration may say of signed feeds, followed and published. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFeeds, feedSourceProblem } from '../../../src/config/feed-checks.ts';
import { valueAt } from '../../../src/config/cross-checks.ts';

const KEY = 'RWTbSusSx44tSSlhf8UOQxQlGTWxD0vrBrIrwQZ3BlJZdlEk7kBY7QIg';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-feed-checks-'));
  writeFileSync(join(folder, 'feed.key'), 'a key');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function problemsOf(raw: unknown): string[] {
  const problems: string[] = [];
  checkFeeds({
    valueAt: (path) => valueAt(raw, path),
    folder,
    report: (path, message) => problems.push(`${path.join('.')}: ${message}`),
  });
  return problems;
}

describe('the address of a feed', () => {
  test.each(['feed+https://hub.example/v1/feeds/a/', 'FEED+https://hub.example', 'feed+http://127.0.0.1:1/x'])(
    '%s is good',
    (source) => expect(feedSourceProblem(source)).toBeUndefined(),
  );
  test.each([
    ['feed+http://hub.example/', /loopback/],
    ['feed+https://user:pass@hub.example/', /password/],
    ['feed+https://hub.example/?key=1', /\?/],
    ['feed+https://hub.example/#x', /#/],
    ['feed+ftp://hub.example/', /ftp/],
    ['feed+hub', /no URL/],
  ])('%s is not', (source, why) => expect(feedSourceProblem(source)).toMatch(why));
});

describe('feeds that are followed', () => {
  test('need a key', () => {
    const raw = { lists: [{ name: 'a', source: 'feed+https://hub.example/' }] };
    expect(problemsOf(raw)).toEqual([expect.stringMatching(/^lists\.0\.feedKeys: a feed needs/)]);
  });

  test('a key is the line of base64 of minisign', () => {
    const raw = { lists: [{ source: 'feed+https://hub.example/', feedKeys: [KEY, KEY.slice(1), `${KEY}A`, 'x'] }] };
    expect(problemsOf(raw).map((text) => text.split(':')[0])).toEqual([1, 2, 3].map((at) => `lists.0.feedKeys.${at}`));
  });
});

describe('feeds that are published', () => {
  const push = { name: 'desk', source: 'push' };
  const good = { lists: [push], feeds: { publish: ['desk'], secretKey: 'feed.key' } };

  test('a push list and a readable key', () => {
    expect(problemsOf(good)).toEqual([]);
    expect(problemsOf({ lists: [push], feeds: { secretKey: 'missing' } })).toEqual([]);
  });

  test.each([
    [{ ...good, lists: [] }, /publish\.0: there is no list "desk"/],
    [{ ...good, lists: [{ name: 'desk', source: './x' }] }, /no list with source: push/],
    [{ ...good, feeds: { ...good.feeds, publish: ['desk', 'desk'] } }, /publish\.1: is there twice/],
    [{ ...good, feeds: { publish: ['desk'] } }, /secretKey: is needed/],
    [{ ...good, feeds: { publish: ['desk'], secretKey: 'missing' } }, /secretKey: cannot read/],
    [{ ...good, feeds: { ...good.feeds, passwordFile: 'missing' } }, /passwordFile: cannot read/],
    [{ ...good, listen: { admin: '' } }, /needs listen\.admin/],
  ])('%j', (raw, problem) => {
    expect(problemsOf(raw)).toEqual([expect.stringMatching(problem)]);
  });
});
