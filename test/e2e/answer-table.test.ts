/** What a blocked name gets, for every type, action and transport, as a client of the real process sees it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DecodedMessage } from '../../src/dns/codec.ts';
import { RecordType } from '../../src/dns/iana.ts';
import { ask, query, TcpClient, UdpClient, type Where } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

const ACTIONS = ['sinkhole', 'nxdomain', 'nodata', 'refused', 'drop'] as const;
const AD = 0x0020;
const RA = 0x0080;
const AA = 0x0400;
const CD = 0x0010;
const INCIDENT = /^list=sinkhole category=loan incident=[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/;

const list = (name: string, fields: object) => ({ name, source: `${name}.txt`, category: 'loan', ...fields });

let weir: WeirProcess;
let upstream: FakeUpstream;
let ways: (readonly [string, Where])[];

beforeAll(async () => {
  upstream = await startFakeUpstream();
  weir = await startWeirProcess({
    files: {
      ...Object.fromEntries(
        ACTIONS.map((action) => [`${action}.txt`, `${action}.example\n*.below-${action}.example\n`]),
      ),
      'exact.txt':
        '{"name":"exact.example","scope":"exact"}\n{"name":"gone.example","expiresAt":"2020-01-01T00:00:00Z"}\n',
      'shadow.txt': 'shadow.example\n',
      'off.txt': 'off.example\n',
      'allow.txt': 'allowed.sinkhole.example\n',
    },
    config: {
      listen: { do53: ['127.0.0.1:0', '[::1]:0'], admin: '127.0.0.1:0', warningPageHttp: '' },
      upstreams: [upstream.url],
      allow: ['allow.txt'],
      lists: [
        ...ACTIONS.map((action) => list(action, { action, order: action === 'sinkhole' ? 'authority' : 'operator' })),
        list('exact', { action: 'nxdomain', order: 'subscriber' }),
        list('shadow', { mode: 'shadow' }),
        list('off', { mode: 'off' }),
      ],
    },
  });
  const [v4, v6] = weir.do53;
  ways = [v4!, v6!].flatMap(({ host, port }) =>
    (['udp', 'tcp'] as const).map((transport) => [`${transport} ${host}`, { host, port, transport }] as const),
  );
});

afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

function soaOf(response: DecodedMessage): { name: string; ttlSeconds: number; minimum: number } {
  expect(response.authorities.map(({ type }) => type)).toEqual([RecordType.SOA]);
  const { name, ttlSeconds, data } = response.authorities[0]!;
  return { name, ttlSeconds, minimum: Number(data.split(' ').at(-1)) };
}

const EVERY_OTHER_TYPE = {
  HTTPS: 65,
  SVCB: 64,
  MX: 15,
  TXT: 16,
  ANY: 255,
  DS: 43,
  NS: 2,
  SOA: 6,
  CNAME: 5,
  unknown: 65_280,
};

describe('a name with action sinkhole', () => {
  test('gets the sinkhole addresses over every transport and family', async () => {
    for (const [way, where] of ways) {
      for (const [type, address] of [
        [RecordType.A, '192.0.2.53'],
        [RecordType.AAAA, '2001:db8::53'],
      ] as const) {
        const { answers, rcode, flags, authorities } = await ask(where, 'a.b.Sinkhole.Example', type);
        expect(answers, way).toEqual([
          { name: 'a.b.Sinkhole.Example', type, recordClass: 1, ttlSeconds: 30, data: address },
        ]);
        expect([rcode, flags & (AA | AD | RA), authorities], way).toEqual([0, RA, []]);
      }
    }
  });

  test('gets NODATA with a short SOA and nothing of the original for every other type', async () => {
    for (const [label, type] of Object.entries(EVERY_OTHER_TYPE)) {
      for (const [way, where] of ways) {
        const response = await ask(where, 'www.sinkhole.example', type);
        const soa = soaOf(response);
        expect([response.rcode, response.answers, soa.ttlSeconds, soa.minimum], `${label} ${way}`).toEqual([
          0,
          [],
          30,
          30,
        ]);
        expect(soa.name, label).toBe('sinkhole.example');
      }
    }
    expect(
      upstream.queries.filter(({ name }) => name.endsWith('sinkhole.example') && !name.startsWith('allowed')),
    ).toEqual([]);
  });

  test('carries EDE 4 and 16 with list, category and incident where the query has EDNS, and no OPT where not', async () => {
    for (const [way, where] of ways) {
      const errors = (await ask(where, 'sinkhole.example')).edns?.extendedErrors ?? [];
      expect(
        errors.map(({ infoCode }) => infoCode),
        way,
      ).toEqual([4, 16]);
      expect(errors[1]?.text, way).toMatch(INCIDENT);
      const nodata = await ask(where, 'sinkhole.example', RecordType.TXT);
      expect(
        nodata.edns?.extendedErrors.map(({ infoCode }) => infoCode),
        way,
      ).toEqual([16]);
      expect((await ask(where, 'sinkhole.example', 1, { udpPayloadBytes: 0 })).edns, way).toBeUndefined();
    }
  });

  test('gets the same with DO=1 and CD=1: no AD, no RRSIG', async () => {
    const where = { port: weir.port };
    const plain = await ask(where, 'sinkhole.example');
    const { flags, answers, edns } = await ask(where, 'sinkhole.example', 1, {
      dnssecOk: true,
      checkingDisabled: true,
    });
    expect(answers).toEqual(plain.answers);
    expect(flags & (AD | CD)).toBe(CD);
    expect(edns?.dnssecOk).toBe(true);
  });

  test('is blocked with RD=0 too', async () => {
    const { answers, flags } = await ask({ port: weir.port }, 'sinkhole.example', 1, { recursionDesired: false });
    expect(answers).toHaveLength(1);
    expect(flags & 0x0100).toBe(0);
  });
});

describe('the other actions', () => {
  test('nxdomain: NXDOMAIN with SOA for a subtree entry and below it', async () => {
    for (const name of ['nxdomain.example', 'x.nxdomain.example']) {
      const response = await ask({ port: weir.port }, name);
      expect([response.rcode, response.answers, soaOf(response).name]).toEqual([3, [], 'nxdomain.example']);
      expect(response.edns?.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([15]);
    }
  });

  test('nxdomain: NODATA for an exact entry, and its subdomains are answered', async () => {
    const response = await ask({ port: weir.port }, 'exact.example');
    expect([response.rcode, soaOf(response).name]).toEqual([0, 'exact.example']);
    expect(response.edns?.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([17]);
    expect((await ask({ port: weir.port }, 'sub.exact.example')).answers[0]?.data).toBe('192.0.2.1');
  });

  test('nodata: NOERROR with SOA for A too', async () => {
    const response = await ask({ port: weir.port }, 'nodata.example');
    expect([response.rcode, response.answers, soaOf(response).name]).toEqual([0, [], 'nodata.example']);
  });

  test('refused: REFUSED without SOA', async () => {
    const response = await ask({ port: weir.port }, 'refused.example');
    expect([response.rcode, response.answers, response.authorities]).toEqual([5, [], []]);
    expect(response.edns?.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([15]);
  });

  test('drop: no response, the drop is counted, and the next query on the connection is answered', async () => {
    for (const client of [await UdpClient.open(weir.port), await TcpClient.open(weir.port)]) {
      client.send(query('drop.example'));
      await client.exchange(query('sinkhole.example'));
      expect(client.received).toHaveLength(1);
      client.close();
    }
    expect(await weir.metric('weir_dropped_queries_total', 'reason="policyDrop"')).toBe(2);
  });
});

describe('a name that is not blocked', () => {
  test('is answered from upstream: shadow, off, expired, allowed and unlisted', async () => {
    for (const name of ['shadow.example', 'off.example', 'gone.example', 'allowed.sinkhole.example', 'clean.example']) {
      for (const [way, where] of ways) {
        const { answers, rcode, edns } = await ask(where, name);
        expect([rcode, answers.map(({ data }) => data)], `${name} ${way}`).toEqual([0, ['192.0.2.1']]);
        expect(edns?.extendedErrors, name).toEqual([]);
      }
    }
    for (const verdict of ['shadow', 'allowlisted'])
      expect(await weir.metric('weir_responses_total', `verdict="${verdict}"`), verdict).toBe(4);
  });

  test('is asked for once and then comes from the cache, its TTL counting down and the letters as asked', async () => {
    const before = upstream.queries.length;
    const hits = await weir.metric('weir_cache_hits_total');
    for (const name of ['Cached.Example', 'cached.example', 'CACHED.EXAMPLE']) {
      const { answers, questions } = await ask({ port: weir.port }, name);
      expect(questions[0]?.name).toBe(name);
      expect(answers[0]?.ttlSeconds).toBeLessThanOrEqual(300);
      expect(answers[0]?.ttlSeconds).toBeGreaterThan(200);
    }
    expect(upstream.queries.length - before).toBe(1);
    expect((await weir.metric('weir_cache_hits_total')) - hits).toBe(2);
  });

  test('a wildcard entry blocks below it', async () => {
    expect((await ask({ port: weir.port }, 'x.below-sinkhole.example')).answers[0]?.data).toBe('192.0.2.53');
  });
});
