/** Proofs of control: the token in DNS or in a file, asked of the upstreams, of servers that may be anybody's. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { parseUpstream } from '../../../../src/config/address.ts';
import type { UpstreamConfig } from '../../../../src/config/config.ts';
import { isProved, type ProofOptions } from '../../../../src/control-plane/appeals/owner-proof.ts';
import { FILE_BYTES_MAX } from '../../../../src/control-plane/appeals/proof-file.ts';
import { RecordType } from '../../../../src/dns/iana.ts';
import { startFakeUpstream, type FakeQuery, type FakeUpstream } from '../../../support/fake-upstream.ts';
import { aRecord, answerWithRecords, cnameRecord } from '../../../support/scripted-answers.ts';
import { CA, SERVER_NAME } from '../../../support/tls-fixture.ts';
import { TestServers } from '../../../support/tls-servers.ts';
import { record } from '../../../support/wire.ts';

const TOKEN = 'abcdefghijklmnopqrstuvwxyz0';
const NAME = 'tea.example';

const open: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()));
});

async function upstreamWith(script: (query: FakeQuery) => Uint8Array | undefined): Promise<FakeUpstream> {
  const upstream = await startFakeUpstream(script);
  open.push(upstream);
  return upstream;
}

function upstreams(...of: readonly FakeUpstream[]): ProofOptions['upstreams'] {
  const configs = of.map(({ url }) => (parseUpstream(url) as { value: UpstreamConfig }).value);
  return { upstreams: configs, ca: '' };
}

function txt(query: FakeQuery, ...strings: readonly string[]): Uint8Array {
  const rdata = Uint8Array.from(strings.flatMap((one) => [one.length, ...Buffer.from(one)]));
  return record(query.name, RecordType.TXT, 60, rdata);
}

const inDns = (of: readonly FakeUpstream[]) =>
  isProved(NAME, TOKEN, 'dns', { upstreams: upstreams(...of), sinkhole: [] });

describe('in DNS', () => {
  it('is the token alone in a TXT record of the label, in one string or several, behind an alias too', async () => {
    const upstream = await upstreamWith((query) => answerWithRecords(query, { answers: [txt(query, TOKEN)] }));
    expect(await inDns([upstream])).toBe(true);
    expect(upstream.queries.map(({ name, qtype, transport }) => [name, qtype, transport])).toEqual([
      ['_weir-appeal.tea.example', RecordType.TXT, 'tcp'],
    ]);
    upstream.answerWith((query) =>
      answerWithRecords(query, {
        answers: [
          cnameRecord(query.name, 'x.example'),
          txt(query, 'v=spf1'),
          txt(query, TOKEN.slice(0, 9), TOKEN.slice(9)),
        ],
      }),
    );
    expect(await inDns([upstream])).toBe(true);
  });

  it.each([
    ['another token', (query: FakeQuery) => answerWithRecords(query, { answers: [txt(query, `${TOKEN}x`)] })],
    ['nothing', (query: FakeQuery) => answerWithRecords(query, {})],
    ['no such name', (query: FakeQuery) => answerWithRecords(query, { rcode: 3 })],
    ['a failure', (query: FakeQuery) => answerWithRecords(query, { rcode: 2, answers: [txt(query, TOKEN)] })],
    ['rubbish', () => Uint8Array.of(1, 2, 3)],
    [
      'an answer to another question',
      (query: FakeQuery) => answerWithRecords({ ...query, name: 'other.example' }, { answers: [txt(query, TOKEN)] }),
    ],
  ])('is not %s', async (_what, script) => {
    expect(await inDns([await upstreamWith(script)])).toBe(false);
  });

  it('is asked of the next upstream where one does not answer; nobody answering proves nothing', async () => {
    const down = await startFakeUpstream(() => undefined);
    const up = await upstreamWith((query) => answerWithRecords(query, { answers: [txt(query, TOKEN)] }));
    const dead = parseUpstream(down.url) as { value: UpstreamConfig };
    await down.stop();
    expect(await inDns([down, up])).toBe(true);
    expect(await isProved(NAME, TOKEN, 'dns', { upstreams: { upstreams: [dead.value], ca: '' }, sinkhole: [] })).toBe(
      false,
    );
  });
});

async function serverWith(
  listener: RequestListener,
  host = '127.0.0.1',
): Promise<{ port: number; hosts: (string | undefined)[]; paths: string[] }> {
  const hosts: (string | undefined)[] = [];
  const paths: string[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    paths.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  open.push({
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  });
  return { port: (server.address() as AddressInfo).port, hosts, paths };
}

/** By a name that resolves to `address`, with a server of a test's own at both ports. */
async function byFile(port: number, more: Partial<ProofOptions> = {}, address = '127.0.0.1'): Promise<boolean> {
  const upstream = await upstreamWith((query) =>
    answerWithRecords(query, { answers: query.qtype === RecordType.A ? [aRecord(query.name, address)] : [] }),
  );
  return isProved(NAME, TOKEN, 'http', {
    upstreams: upstreams(upstream),
    sinkhole: [],
    isInternal: () => false,
    ports: { https: port, http: port },
    ...more,
  });
}

describe('in a file', () => {
  it('is the token at the well-known path, asked with the name as host', async () => {
    const { port, hosts, paths } = await serverWith((_request, response) => response.end(`${TOKEN}\n`));
    expect(await byFile(port)).toBe(true);
    expect([hosts, paths]).toEqual([[NAME], ['/.well-known/weir-appeal']]);
  });

  it.each([
    ['another token', (response: Parameters<RequestListener>[1]) => response.end(`${TOKEN}x`)],
    ['a page that has it', (response: Parameters<RequestListener>[1]) => response.end(`<p>${TOKEN}</p>`)],
    [
      'behind a redirect',
      (response: Parameters<RequestListener>[1]) => response.writeHead(302, { location: '/' }).end(TOKEN),
    ],
    ['on a page of an error', (response: Parameters<RequestListener>[1]) => response.writeHead(404).end(TOKEN)],
    ['too long', (response: Parameters<RequestListener>[1]) => response.end(TOKEN + ' '.repeat(FILE_BYTES_MAX))],
    [
      'cut off',
      (response: Parameters<RequestListener>[1]) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write(TOKEN);
        setImmediate(() => response.destroy());
      },
    ],
  ] as const)('is not %s', async (_what, answer) => {
    const { port } = await serverWith((_request, response) => void answer(response));
    expect(await byFile(port)).toBe(false);
  });

  it('is never asked of this network, nor of the warning page itself', async () => {
    const { port, paths } = await serverWith((_request, response) => response.end(TOKEN));
    const ports = { https: port, http: port };
    for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.1.1']) {
      const upstream = await upstreamWith((query) =>
        answerWithRecords(query, { answers: [aRecord(query.name, address)] }),
      );
      const options = { upstreams: upstreams(upstream), sinkhole: [], ports };
      expect(await isProved(NAME, TOKEN, 'http', options)).toBe(false);
    }
    expect(await byFile(port, { sinkhole: ['127.0.0.1'] })).toBe(false);
    expect(paths).toEqual([]);
  });

  it('comes over HTTPS where the server proves the name, and else over HTTP', async () => {
    const trusted = getCACertificates('default');
    onTestFinished(() => setDefaultCACertificates(trusted));
    setDefaultCACertificates([...trusted, CA]);
    const upstream = await upstreamWith((query) =>
      answerWithRecords(query, { answers: query.qtype === RecordType.A ? [aRecord(query.name, '127.0.0.1')] : [] }),
    );
    const secure = new TestServers();
    open.push({ stop: () => secure.close() });
    const { port: https, seen } = await secure.tls((_request, response) => void response.end(TOKEN));
    const { port: http, hosts } = await serverWith((_request, response) => response.end('no'));
    const proved = (name: string) =>
      isProved(name, TOKEN, 'http', {
        upstreams: upstreams(upstream),
        sinkhole: [],
        isInternal: () => false,
        ports: { https, http },
      });
    expect([await proved(SERVER_NAME), seen.length, hosts]).toEqual([true, 1, []]);
    expect([await proved('other.example.test'), seen.length, hosts]).toEqual([false, 1, ['other.example.test']]);
  });

  it.each([['::1'], ['0:0:0:0:0:0:0:1'], ['0000::0001']])(
    'is not asked of the warning page, however its address is written: %s',
    async (written) => {
      const { port, paths } = await serverWith((_request, response) => response.end(TOKEN), '::1');
      const loopback = Uint8Array.from({ length: 16 }, (_, at) => (at === 15 ? 1 : 0));
      const upstream = await upstreamWith((query) =>
        answerWithRecords(query, {
          answers: query.qtype === RecordType.AAAA ? [record(query.name, RecordType.AAAA, 60, loopback)] : [],
        }),
      );
      const proved = (sinkhole: readonly string[]) =>
        isProved(NAME, TOKEN, 'http', {
          upstreams: upstreams(upstream),
          sinkhole,
          isInternal: () => false,
          ports: { https: port, http: port },
        });
      expect(await proved([written])).toBe(false);
      expect(paths).toEqual([]);
      expect(await proved(['::2'])).toBe(true);
    },
  );

  it('waits no longer than it says', async () => {
    const { port } = await serverWith(() => undefined);
    expect(await byFile(port)).toBe(false);
  });
});
