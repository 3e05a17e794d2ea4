/** What each format takes for an entry, an exception, or no block: line by line. */
import { describe, expect, test } from 'vitest';
import { brief, readText } from '../../../../support/read-text.ts';

async function outcomes(format: string, lines: readonly string[]): Promise<string[]> {
  const results: string[] = [];
  for (const line of lines) {
    const read = await readText(`${line}\n`, { format, allowEmpty: true });
    results.push([...brief(read.entries), ...read.reasons.map((reason) => `!${reason}`)].join(' '));
  }
  return results;
}

type Rows = readonly (readonly [line: string, outcome: string])[];

const TABLES: Readonly<Record<string, Rows>> = {
  plain: [
    ['a.example', 'a.example'],
    ['# a.example', ''],
    ['! a.example', ''],
    ['// a.example', ''],
    ['a.example # why', 'a.example'],
    ['a.example b.example', '!syntax'],
    ['a.example##.banner', '!unsupportedRule'],
    ['a.example#@#.banner', '!unsupportedRule'],
    ['https://a.example/x##y', 'a.example'],
    ['192.0.2.1', '!ipAddress'],
    ['a\0.example', '!binary'],
    ['https://github.com/someone', '!urlWithPathOnSharedHost'],
    ['https://github.io/x', '!urlWithPathOnSharedHost'],
  ],
  hosts: [
    ['0.0.0.0 a.example', 'a.example'],
    ['127.0.0.1\ta.example  b.example # both', 'a.example b.example'],
    [':: a.example', 'a.example'],
    ['0 a.example', 'a.example'],
    ['192.0.2.1 a.example', '!notABlock'],
    ['127.0.0.1 localhost', '!notABlock'],
    ['::1 ip6-localhost #[IPv6]', '!notABlock'],
    ['0.0.0.0 192.0.2.1', '!ipAddress'],
    ['0.0.0.0', '!syntax'],
    ['a.example', '!syntax'],
    ['0.0.0.0 a.example/x', '!syntax'],
  ],
  adblock: [
    ['||a.example^', 'a.example'],
    ['||a.example^|', 'a.example'],
    ['||a.example', 'a.example'],
    ['|a.example^', '=a.example'],
    ['@@||a.example^', '@a.example'],
    ['||a.example^$all', 'a.example'],
    ['||a.example^$document,popup', 'a.example'],
    ['||a.example^$popup', '!unsupportedRule'],
    ['||a.example^$third-party', '!unsupportedRule'],
    ['||a.example^$badfilter', '!unsupportedRule'],
    ['||a.example^$domain=b.example', '!unsupportedRule'],
    ['||a.example^$denyallow=b.example', '!unsupportedRule'],
    ['||a.example^$dnstype=TXT', '!unsupportedRule'],
    ['||a.example/path', '!unsupportedRule'],
    ['||a.example.', '!unsupportedRule'],
    ['||a*.example^', '!unsupportedRule'],
    ['/regex\\.example/', '!unsupportedRule'],
    ['a.example##.banner', '!unsupportedRule'],
    ['a.example', 'a.example'],
    ['||192.0.2.1^', '!ipAddress'],
    ['! comment', ''],
    ['[Adblock Plus 2.0]', ''],
  ],
  dnsmasq: [
    ['address=/a.example/', 'a.example'],
    ['address=/a.example/0.0.0.0', 'a.example'],
    ['address=/a.example/::', 'a.example'],
    ['address=/a.example/#', 'a.example'],
    ['address=/a.example/b.example/127.0.0.1', 'a.example b.example'],
    ['local=/a.example/', 'a.example'],
    ['server=/a.example/', 'a.example'],
    ['server=/a.example/192.0.2.53', '!notABlock'],
    ['server=/a.example/#', '@a.example'],
    ['address=/a.example/192.0.2.1', '!notABlock'],
    ['address=/#/', '.'],
    ['address=//', '!notABlock'],
    ['address /a.example/#', 'a.example'],
    ['cache-size=1000', '!notABlock'],
    ['# comment', ''],
    ['$0/', '!syntax'],
  ],
  unbound: [
    ['server:', ''],
    ['local-zone: "a.example." always_null', 'a.example'],
    ['  local-zone: a.example always_nxdomain', 'a.example'],
    ["local-zone: 'a.example' refuse # why", 'a.example'],
    ['local-zone: "a.example." always_transparent', '@a.example'],
    ['local-zone: "a.example." inform', '!notABlock'],
    ['local-data: "a.example. A 0.0.0.0"', '=a.example'],
    ['local-data: "a.example. 300 IN A 192.0.2.1"', '!notABlock'],
    ['verbosity: 1', '!notABlock'],
    ['local-zone: broken', '!syntax'],
    ['local-zone: "192.0.2.1" static', '!ipAddress'],
  ],
  rpz: [
    ['$TTL 300', ''],
    ['@ IN SOA localhost. root.localhost. (1 2 3 4 5)', ''],
    ['@ NS localhost.', ''],
    ['a.example CNAME .', '=a.example'],
    ['a.example 300 IN CNAME *.', '=a.example'],
    ['*.a.example CNAME .', 'a.example'],
    ['a.example CNAME rpz-drop.', '=a.example'],
    ['a.example CNAME rpz-passthru.', '@=a.example'],
    ['a.example CNAME a.example.', '@=a.example'],
    ['a.example A 0.0.0.0', '=a.example'],
    ['a.example A 192.0.2.1', '!unsupportedRule'],
    ['a.example CNAME garden.example.', '!unsupportedRule'],
    ['a.example CNAME rpz-tcp-only.', '!unsupportedRule'],
    ['24.0.2.0.192.rpz-ip CNAME .', '!ipAddress'],
    ['ns.example.rpz-nsdname CNAME .', '!unsupportedRule'],
    ['; comment', ''],
    ['a.example', '!syntax'],
    ['a\\.b.example CNAME .', '!syntax'],
  ],
  'url-list': [
    ['https://a.example/login', 'a.example'],
    ['a.example/login', 'a.example'],
    ['http://192.0.2.1/x', '!ipAddress'],
    ['https://bit.ly/abc', '!urlWithPathOnSharedHost'],
    ['https://x.github.io/abc', 'x.github.io'],
    ['# comment', ''],
  ],
  jsonl: [
    ['{"name":"a.example"}', 'a.example'],
    ['{"name":"a.example","scope":"exact"}', '=a.example'],
    ['{"name":"a.example","kind":"exception"}', '@a.example'],
    ['{"domain":"a.example"}', 'a.example'],
    ['{"name":"a.example","scope":"both"}', '!syntax'],
    ['{"name":true}', '!syntax'],
    ['{"title":"x"}', '!syntax'],
    ['{"name":"a.example"', '!syntax'],
    ['["a.example"]', '!syntax'],
  ],
};

describe.each(Object.entries(TABLES))('%s takes', (format, rows) => {
  test('each of its lines for what it is', async () => {
    const found = await outcomes(
      format,
      rows.map(([line]) => line),
    );
    expect(rows.map(([line], index) => [line, found[index]])).toEqual(rows);
  });
});

describe('rpz', () => {
  test('joins a name and what is below it to one subtree entry', async () => {
    const read = await readText('a.example CNAME .\n*.a.example CNAME .\nb.example CNAME .\n', { format: 'rpz' });
    expect(brief(read.entries)).toEqual(['a.example', '=b.example']);
  });

  test('puts names together across origins below the zone, as BIND writes a zone that it transferred', async () => {
    const text = `$ORIGIN .
$TTL 300
rpz.local IN SOA localhost. root.localhost. 1 2 3 4 5
  NS localhost.
$ORIGIN com.rpz.local.
a CNAME .
*.a CNAME .
$ORIGIN top.rpz.local.
bank.com CNAME .
  CNAME .
$ORIGIN evil
pay CNAME .
b.example.rpz.local. CNAME .
$ORIGIN rpz.local.
c.example CNAME .
`;
    const read = await readText(text, { format: 'rpz' });
    expect(brief(read.entries)).toEqual(['a.com', '=bank.com.top', '=pay.evil.top', '=b.example', '=c.example']);
  });

  test('takes the first origin for the zone where there is no SOA', async () => {
    const text = '$ORIGIN rpz.local.\na.example CNAME .\n$ORIGIN com.rpz.local.\nb CNAME .\n';
    expect(brief((await readText(text, { format: 'rpz' })).entries)).toEqual(['=a.example', '=b.com']);
  });

  test('takes owners relative to the origin, and an absent owner for the one above', async () => {
    const text =
      '$ORIGIN rpz.example.\n@ SOA localhost. root.localhost. (\n 1 2\n 3 4 5 )\na.example.rpz.example. CNAME .\n';
    const read = await readText(`${text}  CNAME .\n`, { format: 'rpz' });
    expect(brief(read.entries)).toEqual(['=a.example']);
    expect(read.skipped).toEqual([]);
  });
});

describe('csv', () => {
  test('finds its columns by the header', async () => {
    const read = await readText('id;Domain;Category;Date added;Note\n1;a.example;loan;2026-01-02;"x;""y"""\n');
    expect(read.entries).toEqual([
      {
        name: 'a.example',
        scope: 'subtree',
        kind: 'block',
        category: 'loan',
        provenance: { addedAt: '2026-01-02', note: 'x;"y"' },
      },
    ]);
  });

  test('finds the names by their look where there is no header, and leaves rows about other things', async () => {
    const rows = ['domain,evil1.com', 'url,https://evil2.com/x', 'ip,192.0.2.1', `sha256,${'a'.repeat(64)}`];
    const read = await readText(rows.map((row) => `2026-01-01,${row},#phishing,https://x.com/1\n`).join(''));
    expect(read.outcome.report?.format).toBe('csv');
    expect(brief(read.entries)).toEqual(['evil1.com', 'evil2.com']);
    expect(read.entries[0]?.category).toBe('phishing');
    expect(read.skipped).toEqual(['ipAddress:3', 'notABlock:4']);
  });

  test('takes the column that it is told to take, by word or number', async () => {
    const text = 'good,bad\na.example,b.example\n';
    expect(brief((await readText(text, { format: 'csv:bad' })).entries)).toEqual(['b.example']);
    expect(brief((await readText('a.example,b.example\n', { format: 'csv:2' })).entries)).toEqual(['b.example']);
  });

  test('says which line has quotes that do not pair', async () => {
    expect((await readText('domain,note\na.example,"x\nb.example,y\n')).skipped).toEqual(['syntax:2']);
  });
});

describe('json', () => {
  test('finds names in arrays and objects wherever they sit', async () => {
    const text = JSON.stringify({
      a: { list: ['a.example'] },
      b: [{ url: 'https://b.example/', tags: ['c.example'] }],
    });
    expect(brief((await readText(text)).entries)).toEqual(['a.example', 'b.example']);
  });

  test('takes a whitelist for exceptions and a fuzzy list for no list', async () => {
    const text = '{"fuzzylist":["a.example"],"whitelist":["b.example"],"blacklist":["c.example"],"tolerance":2}';
    expect(brief((await readText(text)).entries)).toEqual(['@b.example', 'c.example']);
  });

  test('gives the line of a name that is none', async () => {
    expect((await readText('[\n"a.example",\n"192.0.2.1"\n]')).skipped).toEqual(['ipAddress:3']);
  });

  test.each([
    ['["a.example"', 'truncated', 'its JSON ends in the middle (line 1)'],
    ['["a.example",\n"b', 'truncated', 'its JSON ends in the middle (line 2)'],
    ['["a.example",,]', 'corrupt', 'its JSON is malformed at line 1, near ,'],
    ['["a.example"}', 'corrupt', 'its JSON is malformed at line 1, near }'],
    ['["a.example"]["b"]', 'corrupt', 'its JSON is malformed at line 1, near ['],
    ['["\\x"]', 'corrupt', 'its JSON is malformed at line 1, near "\\x"'],
    [`["a.example",${'['.repeat(80)}`, 'corrupt', 'its JSON nests deeper than 64 (line 1)'],
    [`["${'a'.repeat(70_000)}"]`, 'corrupt', 'a JSON value is over 65536 characters (line 1)'],
  ])('refuses the whole of %j', async (text, code, message) => {
    expect((await readText(text, { format: 'json' })).outcome).toMatchObject({ kind: 'refused', code, message });
  });
});

describe('jsonl', () => {
  test('keeps everything an entry can say, and an unknown category as other', async () => {
    const line = {
      name: 'a.example',
      category: 'lottery',
      authority: 'Police',
      reference: 'case 7',
      addedAt: '2026-01-01',
      expiresAt: '2030-01-01T00:00:00Z',
      note: 'n',
    };
    const read = await readText(`${JSON.stringify(line)}\n`);
    expect(read.entries).toEqual([
      {
        name: 'a.example',
        scope: 'subtree',
        kind: 'block',
        category: 'other',
        expiresAtSeconds: 1_893_456_000,
        provenance: {
          authority: 'Police',
          reference: 'case 7',
          addedAt: '2026-01-01',
          note: 'n',
          categoryWord: 'lottery',
        },
      },
    ]);
    expect(read.warnings).toEqual(['category "lottery" is unknown: counted as other']);
  });
  test.each([
    [1_893_456_000, 1_893_456_000],
    [1_893_456_000_000, 1_893_456_000],
    ['1893456000123', 1_893_456_000],
    ['9999-12-31', 0xffff_ffff],
    [0, undefined],
    ['soon', undefined],
  ])('takes %j for the end of an entry at %j', async (expiresAt, expected) => {
    const read = await readText(`${JSON.stringify({ name: 'a.example', expiresAt })}\n`, { format: 'jsonl' });
    expect(read.entries.map(({ expiresAtSeconds }) => expiresAtSeconds)).toEqual([expected]);
    expect(read.warnings).toHaveLength(expected === undefined ? 1 : 0);
  });
});
