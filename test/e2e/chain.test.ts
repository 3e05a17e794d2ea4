/** A name that is not listed whose answer leads to a listed one; allow entries; and names answered without an upstream. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordType } from '../../src/dns/iana.ts';
import { ask, query, UdpClient } from '../support/dns-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import {
  answerWithRecords,
  aRecord,
  cnameRecord,
  dnameRecord,
  httpsRecord,
  type Sections,
  soaOf,
} from '../support/scripted-answers.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

const LONG_CHAIN = Array.from({ length: 20 }, (_, index) => `hop${index}.example`);

const ZONE: Record<string, Sections> = {
  'cname.example': { answers: [cnameRecord('cname.example', 'x.listed.example'), aRecord('x.listed.example')] },
  'upper.example': { answers: [cnameRecord('UPPER.example', 'X.LISTED.Example'), aRecord('X.LISTED.Example')] },
  'shuffled.example': {
    answers: [
      aRecord('x.listed.example'),
      cnameRecord('middle.example', 'x.listed.example'),
      cnameRecord('shuffled.example', 'middle.example'),
    ],
  },
  'long.example': {
    answers: [
      cnameRecord('long.example', LONG_CHAIN[0]!),
      ...LONG_CHAIN.map((name, index) => cnameRecord(name, LONG_CHAIN[index + 1] ?? 'listed.example')),
    ],
  },
  'sub.dname.example': {
    answers: [
      dnameRecord('dname.example', 'listed.example'),
      cnameRecord('sub.dname.example', 'sub.listed.example'),
      aRecord('sub.listed.example'),
    ],
  },
  'sub.bare-dname.example': { answers: [dnameRecord('bare-dname.example', 'listed.example')] },
  'alias.example': { answers: [httpsRecord('alias.example', 0, 'listed.example')] },
  'service.example': { answers: [httpsRecord('service.example', 1, 'x.listed.example')] },
  'svcb.example': { answers: [httpsRecord('svcb.example', 1, 'x.listed.example', RecordType.SVCB)] },
  'toward-nothing.example': {
    rcode: 3,
    answers: [cnameRecord('toward-nothing.example', 'gone.listed.example')],
    authorities: [soaOf('listed.example')],
  },
  'toward-shadow.example': {
    answers: [cnameRecord('toward-shadow.example', 'shadow.example'), aRecord('shadow.example')],
  },
  'toward-drop.example': { answers: [cnameRecord('toward-drop.example', 'drop.example'), aRecord('drop.example')] },
  'toward-nx.example': { answers: [cnameRecord('toward-nx.example', 'nx.example'), aRecord('nx.example')] },
  'allowed.example': { answers: [cnameRecord('allowed.example', 'x.listed.example'), aRecord('x.listed.example')] },
  'toward-allowed.example': {
    answers: [cnameRecord('toward-allowed.example', 'ok.listed.example'), aRecord('ok.listed.example')],
  },
  'www.bank.example': {
    answers: [cnameRecord('www.bank.example', 'x.listed.example'), aRecord('x.listed.example')],
  },
  'pay.bank.example': {
    answers: [
      dnameRecord('bank.example', 'listed.example'),
      cnameRecord('pay.bank.example', 'pay.listed.example'),
      aRecord('pay.listed.example'),
    ],
  },
  'watched.bank.example': {
    answers: [cnameRecord('watched.bank.example', 'shadow.example'), aRecord('shadow.example')],
  },
  'app.bank.example': { answers: [httpsRecord('app.bank.example', 1, 'x.listed.example')] },
  'toward-bank.example': {
    answers: [
      cnameRecord('toward-bank.example', 'www.bank.example'),
      cnameRecord('www.bank.example', 'x.listed.example'),
      aRecord('x.listed.example'),
    ],
  },
  'clean.example': { answers: [cnameRecord('clean.example', 'other.example'), aRecord('other.example')] },
};

const script = (asked: FakeQuery): Uint8Array => {
  const sections = ZONE[asked.name];
  return sections === undefined ? respond(asked) : answerWithRecords(asked, sections);
};

let weir: WeirProcess;
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream(script);
  weir = await startWeirProcess({
    files: {
      'list.txt': 'listed.example\nstolen.bank.example\nheld.bank.example\n',
      'protected.txt': 'bank.example\n',
      'shadow.txt': 'shadow.example\n',
      'drop.txt': 'drop.example\n',
      'nx.txt': 'nx.example\n',
      'allow.txt': 'allowed.example\nok.listed.example\n',
    },
    config: {
      upstreams: [upstream.url],
      allow: ['allow.txt'],
      protected: ['protected.txt'],
      lists: [
        { name: 'list', source: 'list.txt', order: 'authority', approved: ['stolen.bank.example'] },
        { name: 'shadow', source: 'shadow.txt', mode: 'shadow' },
        { name: 'drop', source: 'drop.txt', action: 'drop' },
        { name: 'nx', source: 'nx.txt', action: 'nxdomain' },
      ],
    },
  });
});

afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

describe('an answer that leads to a listed name', () => {
  const led = ['cname', 'upper', 'shuffled', 'long', 'sub.dname', 'sub.bare-dname', 'toward-nothing'];
  for (const label of led) {
    test(`${label}: the sinkhole's address for the name asked, twice, so from the cache too`, async () => {
      for (const transport of ['udp', 'tcp'] as const) {
        const { rcode, answers, edns } = await ask({ port: weir.port, transport }, `${label}.example`);
        expect([rcode, answers.map(({ name, data }) => [name, data])]).toEqual([
          0,
          [[`${label}.example`, '192.0.2.53']],
        ]);
        expect(edns?.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([4, 16]);
        expect(edns?.extendedErrors[1]?.text).toContain('list=list category=fraud incident=');
      }
    });
  }

  for (const [label, type] of [
    ['alias', RecordType.HTTPS],
    ['service', RecordType.HTTPS],
    ['svcb', RecordType.SVCB],
  ] as const) {
    test(`${label}: NODATA whose SOA is at the name asked`, async () => {
      const { rcode, answers, authorities } = await ask({ port: weir.port }, `${label}.example`, type);
      expect([rcode, answers, authorities.map(({ name }) => name)]).toEqual([0, [], [`${label}.example`]]);
    });
  }

  test('CD=1 and DO=1 do not bypass it', async () => {
    const { answers } = await ask({ port: weir.port }, 'cname.example', 1, { checkingDisabled: true, dnssecOk: true });
    expect(answers.map(({ data }) => data)).toEqual(['192.0.2.53']);
  });

  test('with action nxdomain is NODATA for the name asked, which is not listed itself', async () => {
    const { rcode, answers } = await ask({ port: weir.port }, 'toward-nx.example');
    expect([rcode, answers]).toEqual([0, []]);
  });

  test('with action drop gets no response', async () => {
    const client = await UdpClient.open(weir.port);
    client.send(query('toward-drop.example'));
    await weir.untilMetric((value) => value === 1, 'weir_dropped_queries_total', 'reason="policyDrop"');
    await client.exchange(query('clean.example'));
    expect(client.received).toHaveLength(1);
    client.close();
  });
});

describe('what is not blocked', () => {
  test('an allow entry on the name asked covers its chain', async () => {
    const { answers } = await ask({ port: weir.port }, 'allowed.example');
    expect(answers.map(({ data }) => data)).toEqual(['x.listed.example.', '192.0.2.7']);
  });

  test.each([
    ['www.bank.example', 1],
    ['pay.bank.example', 1],
    ['app.bank.example', RecordType.HTTPS],
    ['watched.bank.example', 1],
  ])('%s is protected: what its answer leads to does not block it, from the cache neither', async (name, type) => {
    const shadow = await weir.metric('weir_shadow_queries_total');
    for (let round = 0; round < 2; round++) {
      const { answers, edns } = await ask({ port: weir.port }, name, type);
      expect(answers.length).toBe(ZONE[name]?.answers?.length);
      expect(edns?.extendedErrors).toEqual([]);
    }
    expect(await weir.metric('weir_shadow_queries_total')).toBe(shadow);
  });

  test('a protected name is blocked by an approved entry, and a chain that passes through one is blocked', async () => {
    for (const name of ['stolen.bank.example', 'toward-bank.example']) {
      const { answers } = await ask({ port: weir.port }, name);
      expect([name, answers.map(({ data }) => data)]).toEqual([name, ['192.0.2.53']]);
    }
    const { answers } = await ask({ port: weir.port }, 'held.bank.example');
    expect(answers.map(({ data }) => data)).not.toContain('192.0.2.53');
  });

  test('an allow entry on the target covers the target', async () => {
    const { answers } = await ask({ port: weir.port }, 'toward-allowed.example');
    expect(answers.map(({ data }) => data)).toEqual(['ok.listed.example.', '192.0.2.7']);
  });

  test('a chain to a shadow entry is answered and counted as shadow', async () => {
    const shadow = () => weir.metric('weir_responses_total', 'verdict="shadow"');
    const before = await shadow();
    const { answers } = await ask({ port: weir.port }, 'toward-shadow.example');
    expect(answers.at(-1)?.data).toBe('192.0.2.7');
    expect((await shadow()) - before).toBe(1);
    expect(await weir.metric('weir_shadow_queries_total', 'list="shadow"', 'category="fraud"')).toBe(1);
  });

  test('a clean chain comes back whole', async () => {
    const { answers } = await ask({ port: weir.port }, 'clean.example');
    expect(answers.map(({ name, data }) => [name, data])).toEqual([
      ['clean.example', 'other.example.'],
      ['other.example', '192.0.2.7'],
    ]);
  });

  test('special-use names never reach the upstream', async () => {
    const rcodes: Record<string, number> = {};
    for (const name of [
      'localhost',
      'x.invalid',
      'x.test',
      'x.onion',
      '1.0.168.192.in-addr.arpa',
      'use-application-dns.net',
    ])
      rcodes[name] = (await ask({ port: weir.port }, name, name.includes('arpa') ? 12 : 1)).rcode;
    expect(rcodes).toEqual({
      localhost: 0,
      'x.invalid': 3,
      'x.test': 3,
      'x.onion': 3,
      '1.0.168.192.in-addr.arpa': 3,
      'use-application-dns.net': 3,
    });
    expect(upstream.queries.map(({ name }) => name).filter((name) => !name.endsWith('.example'))).toEqual([]);
  });
});
