/** Every real list loads as what it is; the odd lines of real lists come out as they should. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../../../src/control-plane/list-sync/format/formats.ts';
import { readListFile } from '../../../../../src/control-plane/list-sync/format/read-list-file.ts';
import { REAL_DATA_REASON, realData } from '../../../../support/real-data.ts';
import { brief, readText } from '../../../../support/read-text.ts';

const data = realData ?? '';

/** file, format, entries at least, and every reason for which lines are skipped. */
const LISTS: readonly (readonly [file: string, format: string, entriesMin: number, reasons: readonly string[]])[] = [
  ['durablenapkin/hosts.txt', 'hosts', 2200, []],
  ['durablenapkin/adguard.txt', 'adblock', 940, ['unsupportedRule']],
  ['jarelllama/scams_light-wildcard.txt', 'plain', 18_000, []],
  ['jarelllama/scams_light-adblock.txt', 'adblock', 18_000, []],
  ['globalantiscam/scam-urls-ABP.txt', 'adblock', 11_000, []],
  ['globalantiscam/scam-urls-pihole.txt', 'plain', 11_000, []],
  ['tweetfeed/rpz.txt', 'rpz', 4800, ['nameTooLong']],
  ['tweetfeed/month.csv', 'csv', 10_000, ['ipAddress', 'nameTooLong', 'notABlock', 'urlWithPathOnSharedHost']],
  ['ph00lt0/unbound-blocklist.txt', 'unbound', 29_000, []],
  ['npm/eth-phishing-detect/src/config.json', 'json', 13_000, ['ipAddress']],
  ['cbuijs-ut1/phishing-urls', 'url-list', 9000, ['ipAddress', 'urlWithPathOnSharedHost']],
  ['discord-antiscam/list.json', 'json', 36_000, ['ipAddress', 'notAName', 'wildcardInside']],
  ['etheraddresslookup/domains.json', 'json', 14_000, ['ipAddress']],
  ['blackbook/blackbook.csv', 'csv', 18_000, []],
  ['infinitytec/scams-and-phishing-2026-04-18.txt', 'plain', 35_000, []],
  ['dandelionsprout/AntiMalwareHosts.txt', 'hosts', 11_000, ['ipAddress', 'syntax']],
];

describe.skipIf(realData === undefined)(`real lists (${REAL_DATA_REASON})`, () => {
  test.each(LISTS)('%s is read as %s', async (file, format, entriesMin, reasons) => {
    const outcome = await readListFile(join(data, 'lists', file), { format: 'auto', badLinesPercentMax: 1 }, {});
    expect(outcome).toMatchObject({ kind: 'read', report: { format } });
    expect(outcome.report?.entries).toBeGreaterThan(entriesMin);
    expect(Object.keys(outcome.report?.skippedByReason ?? {}).sort()).toEqual(reasons);
  });

  test('a list that a generator spoiled is refused', async () => {
    const file = join(data, 'lists/blocklistproject/fraud-dnsmasq-2021-06-11.txt');
    expect(await readListFile(file, { format: 'auto' }, {})).toMatchObject({
      kind: 'refused',
      code: 'nothingUsable',
      message: 'none of its 196048 lines is an entry (read as plain); line 1 (notAName): $0/',
    });
    expect(await readListFile(file, { format: 'dnsmasq' }, {})).toMatchObject({
      kind: 'refused',
      code: 'nothingUsable',
    });
  });

  test('forwarding rules are no blocks', async () => {
    const outcome = await readListFile(join(data, 'lists/china/apple.china.conf'), { format: 'auto' }, {});
    expect(outcome).toMatchObject({
      kind: 'read',
      report: { format: 'dnsmasq', entries: 0, skippedByReason: { notABlock: 164 }, badLinesPercent: 0 },
    });
  });

  test('a million names, compressed', async () => {
    const outcome = await readListFile(join(data, 'fraud-1m.txt.zst'), { format: 'auto' }, {});
    expect(outcome).toMatchObject({
      kind: 'read',
      report: { compression: 'zstd', entries: 1_000_000, lines: 1_000_000 },
    });
  });

  test('exceptions of a JSON list lift, its fuzzy list blocks nothing', async () => {
    const blocked = new Set<string>();
    await readListFile(
      join(data, 'lists/npm/eth-phishing-detect/src/config.json'),
      { format: 'auto' },
      {
        entry(entry) {
          if (entry.kind === 'block') blocked.add(entry.name);
        },
      },
    );
    expect(
      ['etherscan.io', 'metamask.io', 'myetherwallet.com', 'opensea.io'].filter((name) => blocked.has(name)),
    ).toEqual([]);
  });
});

function quirks(): { category: string; text: string }[] {
  return readFileSync(join(data, 'quirks.txt'), 'utf8')
    .split('\n')
    .filter((row) => row !== '' && !row.startsWith('#'))
    .map((row) => {
      const [category, , , json] = row.split('\t');
      return { category: category ?? '', text: String(JSON.parse(json ?? '""')) };
    });
}

/** Lines of these categories must give no entry in the format that they come from. */
const NO_ENTRY: readonly (readonly [category: RegExp, format: string])[] = [
  [/^abp-cosmetic-rule/, 'adblock'],
  [/^abp-(?:\$badfilter|\$denyallow|\$domain|rule-with-path|wildcard-inside|\|scheme)/, 'adblock'],
  [/^(?:adguard-dns-modifier|regex-rule)/, 'adblock'],
  [/^(?:bare-ipv4|ipv4-|ipv6|odd-ip|url-with-ip-host)/, 'plain'],
  [/^(?:wildcard-elsewhere|generator-bug|double-dot|separator-line)/, 'plain'],
  [/^dnsmasq-server=\/x\/1/, 'dnsmasq'],
  [/^hosts-(?:ip-without-name|name-is-an-ip|reserved-name)/, 'hosts'],
];

describe.skipIf(realData === undefined)(`odd lines of real lists (${REAL_DATA_REASON})`, () => {
  test('no format throws on any of them, and each line is an entry, skipped or a comment', async () => {
    const all = quirks();
    expect(all.length).toBeGreaterThan(460);
    for (const { name } of FORMATS.filter((format) => format.name !== 'json')) {
      const { outcome } = await readText(`${all.map(({ text }) => text.replaceAll('\n', ' ')).join('\n')}\n`, {
        format: name,
      });
      expect(outcome.report?.lines).toBe(all.length);
    }
  });

  test.each(NO_ENTRY)('%s: not an entry in %s', async (category, format) => {
    const lines = quirks().filter((quirk) => category.test(quirk.category));
    const entries: string[] = [];
    for (const { text } of lines) {
      const read = await readText(`${text}\n`, { format });
      if (read.entries.length > 0) entries.push(text);
    }
    expect(lines.length).toBeGreaterThan(0);
    expect(entries).toEqual([]);
  });

  test('names with underscores, odd hyphens and long labels stay', async () => {
    const lines = quirks().filter(({ category }) =>
      /^(?:underscore-service|hyphens-in-3rd|label-exactly-63|punycode$)/.test(category),
    );
    const read = await readText(`${lines.map(({ text }) => text).join('\n')}\n`, { format: 'plain' });
    expect(read.skipped).toEqual([]);
    expect(brief(read.entries)).toEqual(lines.map(({ text }) => text.replace(/^\./, '').toLowerCase()));
  });
});
