import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { ConfigError, describeProblems } from '../../../src/config/config-error.ts';
import { CONFIG_BYTES_MAX, loadConfig, parseConfig } from '../../../src/config/load-config.ts';

vi.mock(import('node:os'), async (original) => {
  const real = await original();
  const common = { netmask: '', mac: '', internal: false, cidr: null };
  const wan: NetworkInterfaceInfo[] = [
    { ...common, family: 'IPv4', address: '192.0.2.7' },
    { ...common, family: 'IPv6', address: '2001:db8::7', scopeid: 0 },
  ];
  return { ...real, networkInterfaces: () => ({ ...real.networkInterfaces(), wan }) };
});

const folder = mkdtempSync(join(tmpdir(), 'weir-config-'));
writeFileSync(join(folder, 'list.txt'), 'bad.example\n');
writeFileSync(join(folder, 'allow.txt'), 'good.example\n');
mkdirSync(join(folder, 'folder'));
afterAll(() => rmSync(folder, { recursive: true }));

/** "path: message" of every problem; empty for a good configuration. */
function problemsOf(text: string): string[] {
  const outcome = parseConfig(text, folder);
  return outcome.kind === 'ok' ? [] : outcome.problems.map(({ path, message }) => `${path}: ${message}`);
}

function configOf(text: string): Config {
  const outcome = parseConfig(text, folder, ['192.0.2.53']);
  if (outcome.kind === 'invalid') throw new ConfigError('test', outcome.problems);
  return outcome.config;
}

function warningsOf(text: string): readonly string[] {
  const outcome = parseConfig(text, folder, []);
  return outcome.kind === 'ok' ? outcome.warnings : [];
}

function problemOfFile(name: string, bytes?: string | Uint8Array): string {
  const file = join(folder, name);
  if (bytes !== undefined) writeFileSync(file, bytes);
  const outcome = loadConfig(file);
  return outcome.kind === 'ok' ? 'accepted' : outcome.problems.map(({ message }) => message).join();
}

describe('a good configuration', () => {
  it('may be empty: loopback only, the system resolvers, no list', () => {
    const config = configOf('');
    expect(config.listen.do53).toEqual([
      { host: '127.0.0.1', port: 1053 },
      { host: '::1', port: 1053 },
    ]);
    expect(config.listen.admin).toEqual({ host: '127.0.0.1', port: 9153 });
    expect(config.clients.allow).toEqual(['127.0.0.0/8', '::1/128']);
    expect(config.upstreams.map(({ url }) => url)).toEqual(['udp://192.0.2.53']);
    expect(config.lists).toEqual([]);
    expect(config.workers).toBeGreaterThanOrEqual(1);
    expect(config.cache.bytesMax).toBe(64 * 1024 * 1024);
  });

  it('has every key of the documented example', () => {
    const config = configOf(`
listen:
  do53: ["127.0.0.1:1053", "[::1]:1053"]
  dot: []
  doh: []
  admin: "127.0.0.1:9153"
  warningPageHttp: ""
  warningPageHttps: ""
workers: 3
stateDirectory: ./state
upstreams: ["udp://192.0.2.1:53", "tcp://[2001:db8::1]"]
lists:
  - name: sample
    source: ./list.txt
    format: auto
    category: loan
    authority: "who orders the blocks"
    order: authority
    mode: shadow
    action: nodata
    approved: ["busy.example"]
  - { name: far, source: "https://lists.example/fraud.txt", format: "csv:domain", refreshSeconds: 60 }
allow: ["./allow.txt"]
protected: []
popular: []
sinkhole: { addresses: ["192.0.2.80", "2001:db8::80"], ttlSeconds: 30 }
tls: { certificate: "", key: "", name: "" }
clients: { allow: ["10.0.0.0/8", "192.0.2.7"] }
`);
    expect(config.listen.warningPageHttp).toBeUndefined();
    expect(config.workers).toBe(3);
    expect(config.stateDirectory).toBe(join(folder, 'state'));
    expect(config.upstreams[1]).toEqual({
      url: 'tcp://[2001:db8::1]',
      protocol: 'tcp',
      host: '2001:db8::1',
      port: 53,
    });
    expect(config.lists[0]).toMatchObject({ sourceKind: 'file', source: join(folder, 'list.txt'), mode: 'shadow' });
    expect(config.lists[1]).toMatchObject({ sourceKind: 'https', source: 'https://lists.example/fraud.txt' });
    expect(config.allow).toEqual([join(folder, 'allow.txt')]);
    expect(config.clients.allow).toEqual(['10.0.0.0/8', '192.0.2.7/32']);
  });

  it('is read from a file, whose folder relative paths start at', () => {
    const file = join(folder, 'weir.yaml');
    writeFileSync(file, 'lists: [{ name: a, source: list.txt }]\n');
    const outcome = loadConfig(file);
    expect(outcome.kind === 'ok' && outcome.config.lists[0]?.source).toBe(join(folder, 'list.txt'));
  });

  it('takes plain http from loopback, for tests and for a proxy beside it', () => {
    expect(configOf('lists: [{ name: a, source: "http://127.0.0.1:8000/x" }]').lists[0]?.sourceKind).toBe('https');
  });
});

describe('a bad value is named with its key path', () => {
  it.each([
    ['listen: { do53: ["127.0.0.1"] }', /^listen\.do53\[0\]: "127\.0\.0\.1" has no port/],
    ['listen: { do53: [] }', /^listen\.do53: at least one address/],
    ['listen: { do53: "127.0.0.1:53" }', /^listen\.do53: expected array, received string/],
    ['listen: { dot: ["127.0.0.1:853"] }', /^listen\.dot: needs tls\.certificate and tls\.key$/],
    ['listen: { warningPageHttps: "localhost:8443" }', /^listen\.warningPageHttps: "localhost" is not an IP address/],
    ['listen: { admin: "0.0.0.0:9153" }', /^listen\.admin: needs tls\.certificate/],
    ['tls: { key: a.pem }', /^tls\.certificate: is needed beside tls\.key/],
    ['workers: 0', /^workers: must be at least 1/],
    ['workers: many', /^workers: "auto", or a number/],
    ['upstreams: ["1.2.3.4"]', /^upstreams\[0\]: .*write the protocol/],
    ['upstreamQueries: { deadlineMs: 5s }', /^upstreamQueries\.deadlineMs: expected number, received string/],
    ['upstreamQueries: { deadlineMs: 5.5 }', /^upstreamQueries\.deadlineMs: expected int/],
    ['cache: { negativeTtlSecondsMax: 10801 }', /^cache\.negativeTtlSecondsMax: must be at most 10800/],
    ['edns: { udpPayloadBytes: 511 }', /^edns\.udpPayloadBytes: must be at least 512/],
    ['sinkhole: { addresses: [page.example] }', /^sinkhole\.addresses\[0\]: not an IP address/],
    ['clients: { allow: ["10.0.0.0/40"] }', /^clients\.allow\[0\]: .*from 0 to 32/],
    ['clients: { groups: [{ name: A, prefixes: ["10.0.0.0/8"] }] }', /^clients\.groups\[0\]\.name: a name is/],
    ['clients: { groups: [{ name: a, prefixes: [] }] }', /^clients\.groups\[0\]\.prefixes: /],
    [
      'clients: { groups: [{ name: a, prefixes: ["::1"], lists: [x] }] }',
      /^clients\.groups\[0\]\.lists\[0\]: there is no list x/,
    ],
    [
      'clients: { groups: [{ name: a, prefixes: ["10.0.0.0/8"] }, { name: b, prefixes: ["10.1.0.0/8"] }] }',
      /^clients\.groups\[1\]\.prefixes\[0\]: the group a has the same prefix/,
    ],
    [
      'clients: { groups: [{ name: a, prefixes: ["::1"] }, { name: a, prefixes: ["::2"] }] }',
      /^clients\.groups\[1\]\.name: another group is called a/,
    ],
    ['clients: ', /^clients: there is nothing behind this key/],
    ['log: { level: loud }', /^log\.level: expected one of "trace"/],
    ['lists: [{ source: list.txt }]', /^lists\[0\]\.name: is required/],
    ['lists: [{ name: a }]', /^lists\[0\]\.source: is required/],
    ['lists: [{ name: "A b", source: list.txt }]', /^lists\[0\]\.name: 1 to 32 of a-z/],
    ['lists: [{ name: a, source: list.txt, category: theft }]', /^lists\[0\]\.category: expected one of "fraud"/],
    ['lists: [{ name: a, source: list.txt, action: explode }]', /^lists\[0\]\.action: expected one of "sinkhole"/],
    ['lists: [{ name: a, source: list.txt, format: word }]', /^lists\[0\]\.format: one of auto, plain/],
    ['lists: [{ name: a, source: "http://x.example/" }]', /^lists\[0\]\.source: plain http/],
    ['lists: [{ name: a, source: "https://u:p@x.example/" }]', /^lists\[0\]\.source: .*user name or password/],
    ['lists: [{ name: a, source: "file:///etc/passwd" }]', /^lists\[0\]\.source: "file:" is no source/],
    ['lists: [{ name: a, source: list.txt, authority: "a\\u0007" }]', /^lists\[0\]\.authority: control characters/],
    ['[1, 2]', /^: expected object, received array/],
    ['just words', /^: expected object, received string/],
  ])('%s', (text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('a list that takes pushes, or follows a feed, says where it comes from', () => {
    const key = 'RWTbSusSx44tSSlhf8UOQxQlGTWxD0vrBrIrwQZ3BlJZdlEk7kBY7QIg';
    const text = `lists: [{ name: a, source: push }, { name: b, source: "feed+https://x.example/b", feedKeys: [${key}] }]`;
    expect(problemsOf(text)).toEqual([]);
    expect(configOf(text).lists.map(({ sourceKind }) => sourceKind)).toEqual(['push', 'feed']);
    expect(problemsOf(`lists: [{ name: a, source: "feed+http://x.example/", feedKeys: [${key}] }]`)).toEqual([
      expect.stringMatching(/^lists\[0\]\.source: feed\+http:\/\/ is accepted from a loopback address only/),
    ]);
  });

  it('names an unknown key and the key it was probably meant to be', () => {
    expect(problemsOf('upstream: []')).toEqual(['upstream: unknown key; did you mean "upstreams"?']);
    expect(problemsOf('lists: [{ name: a, source: list.txt, refresh: 9 }]')).toEqual([
      'lists[0].refresh: unknown key; did you mean "refreshSeconds"?',
    ]);
    expect(problemsOf('sinkhole: { zzzzzzzzzz: 1 }')).toEqual([
      'sinkhole.zzzzzzzzzz: unknown key; known here: addresses, ttlSeconds',
    ]);
  });

  it('says where keys contradict each other', () => {
    const twice = 'lists: [{ name: a, source: list.txt }, { name: a, source: allow.txt }]';
    expect(problemsOf(twice)).toEqual(['lists[1].name: "a" is the name of lists[0] already']);
    const stages = (...percents: number[]) =>
      problemsOf(
        `lists: [{ name: a, source: push, rollout: [${percents.map((p) => `{ percent: ${p} }`).join(', ')}] }]`,
      );
    expect(stages(0, 1, 10, 100)).toEqual([]);
    expect(stages(10, 1, 50, 50)).toEqual([
      'lists[0].rollout[1].percent: has to be more than the 10 of the stage before it',
      'lists[0].rollout[3].percent: has to be more than the 50 of the stage before it',
    ]);
    expect(problemsOf('listen: { do53: ["127.0.0.1:9153"] }')).toEqual([
      'listen.admin: the address is taken by listen.do53',
    ]);
    expect(problemsOf('listen: { do53: ["0.0.0.0:53", "127.0.0.1:53"] }')).toEqual([
      'listen.do53[1]: the address is taken by listen.do53',
    ]);
    expect(problemsOf('upstreams: ["udp://192.0.2.1", "udp://192.0.2.1:53"]')).toEqual([
      'upstreams[1]: the same as upstreams[0]',
    ]);
  });

  it('refuses a resolver that forwards to itself', () => {
    const direct = 'listen: { do53: ["127.0.0.1:1053"] }\nupstreams: ["udp://127.0.0.1:1053"]';
    expect(problemsOf(direct)).toEqual([expect.stringMatching(/^upstreams\[0\]: .*round in a circle/)]);
    const wildcard = 'listen: { do53: ["[::]:53"] }\nupstreams: ["tcp://[::1]:53"]';
    expect(problemsOf(wildcard)).toEqual([expect.stringMatching(/^upstreams\[0\]: .*round in a circle/)]);
  });

  it('refuses an upstream that is one of the machine’s own addresses behind a wildcard', () => {
    const listen = 'listen: { do53: ["0.0.0.0:53", "[::]:53"] }';
    for (const upstream of ['udp://192.0.2.7', 'tcp://[2001:db8::7]', 'tcp://[2001:DB8:0:0::0007]']) {
      expect(problemsOf(`${listen}\nupstreams: ["${upstream}:53"]`)).toEqual([
        expect.stringMatching(/^upstreams\[0\]: .*round in a circle/),
      ]);
      expect(problemsOf(`${listen}\nupstreams: ["${upstream}:5353"]`)).toEqual([]);
    }
    for (const upstream of ['udp://192.0.2.8', 'tcp://[2001:db8::8]'])
      expect(problemsOf(`${listen}\nupstreams: ["${upstream}:53"]`)).toEqual([]);
  });

  it('allows several listeners on ports that the system chooses', () => {
    expect(
      problemsOf('listen: { do53: ["127.0.0.1:0"], admin: "127.0.0.1:0", warningPageHttp: "127.0.0.1:0" }'),
    ).toEqual([]);
  });

  it('allows at most four sinkhole addresses of a family and 64 lists', () => {
    const five = [1, 2, 3, 4, 5].map((last) => `"192.0.2.${last}"`).join();
    expect(problemsOf(`sinkhole: { addresses: [${five}] }`)).toEqual([
      'sinkhole.addresses: 5 IPv4 addresses; at most 4 a family',
    ]);
    const lists = Array.from({ length: 65 }, (_, index) => `  - { name: l${index}, source: list.txt }\n`).join('');
    expect(problemsOf(`lists:\n${lists}`)).toEqual(['lists: at most 64 lists']);
  });
});

describe('files that the configuration names', () => {
  it.each(['allow', 'protected', 'popular', 'sharedHosts'])('a missing file under %s is named', (key) => {
    expect(problemsOf(`${key}: [nowhere.txt]`)).toEqual([
      `${key}[0]: cannot read ${join(folder, 'nowhere.txt')}: no such file`,
    ]);
  });

  it('a list without its file is warned of, because its last good copy serves', () => {
    expect(problemsOf('lists: [{ name: a, source: nowhere.txt }]')).toEqual([]);
    expect(warningsOf('lists: [{ name: a, source: nowhere.txt }]')).toContain(
      `lists[0].source: cannot read ${join(folder, 'nowhere.txt')}: no such file`,
    );
  });

  it('a folder is no file', () => {
    expect(problemsOf('allow: [folder]')).toEqual([`allow[0]: ${join(folder, 'folder')} is not a regular file`]);
  });
});

describe('the file itself', () => {
  it('is missing', () => expect(problemOfFile('no.yaml')).toBe('cannot be read: no such file'));
  it('is a folder', () => expect(problemOfFile('folder')).toBe('cannot be read: it is a folder'));
  it('is binary', () =>
    expect(problemOfFile('b.yaml', Uint8Array.of(0xff, 0xfe, 0))).toMatch(/not a text file in UTF-8/));
  it('is too large', () =>
    expect(problemOfFile('l.yaml', '#'.repeat(CONFIG_BYTES_MAX + 1))).toMatch(/larger than 1048576 bytes/));
  it('is no YAML', () => expect(problemOfFile('y.yaml', 'a: [1')).toMatch(/^not valid YAML: /));
  it('says a key twice', () =>
    expect(problemOfFile('t.yaml', 'workers: 1\nworkers: 2')).toMatch(/Map keys must be unique/));
  it('is a bomb of aliases', () => {
    const levels = Array.from({ length: 20 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n},`.repeat(9)}]\n`).join('');
    expect(problemOfFile('bomb.yaml', `l0: &l0 x\n${levels}`)).toMatch(/^not valid YAML: Excessive alias count/);
  });
});

describe('what a person reads', () => {
  it('is every problem at once, in the order of the file, with lines', () => {
    const outcome = parseConfig('workers: -1\nlists:\n  - name: a\n    mdoe: off\nlog: { level: 5 }\n', folder);
    const problems = outcome.kind === 'invalid' ? outcome.problems : [];
    expect(describeProblems('weir.yaml', problems).split('\n')).toEqual([
      'weir.yaml: 4 problems',
      '  workers (line 1): must be at least 1',
      '  lists[0].source (line 3): is required',
      '  lists[0].mdoe (line 4): unknown key; did you mean "mode"?',
      expect.stringMatching(/^ {2}log\.level \(line 5\): expected one of "trace"/),
    ]);
    expect(new ConfigError('weir.yaml', problems).problems).toHaveLength(4);
  });
});

describe('what is legal and yet hardly meant is warned of', () => {
  it.each([
    ['listen: { do53: ["192.0.2.53:53"] }', /sinkhole\.addresses: a loopback address sends subscribers/],
    ['', /lists: there is none/],
    ['', /protected: there is no file/],
    ['lists: [{ name: a, source: list.txt }]\nsinkhole: { addresses: [] }', /no warning page/],
    ['lists: [{ name: a, source: list.txt, action: nxdomain }]\nallow: [allow.txt]', /lists\[0\]\.action: nxdomain/],
    ['upstreamQueries: { deadlineMs: 500, attemptTimeoutMs: 500 }', /a second upstream is never tried/],
    ['clients: { allow: [] }', /every query is refused/],
    ['', /upstreams: there is none, and the system has no resolver/],
  ])('%s', (text, warning) => {
    expect(warningsOf(text)).toContainEqual(expect.stringMatching(warning));
  });

  it('but not nxdomain where nothing is allowed by name', () => {
    const warnings = warningsOf('lists: [{ name: a, source: list.txt, action: nxdomain }]');
    expect(warnings).not.toContainEqual(expect.stringMatching(/nxdomain/));
  });
});
