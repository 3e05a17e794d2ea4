/** DNS over HTTPS from outside, discovery of both encrypted listeners, and the admin listener in HTTPS. */
import { once } from 'node:events';
import { constants, type ClientHttp2Session } from 'node:http2';
import { request as https } from 'node:https';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { quietBetweenTests } from '../support/between-tests.ts';
import { ask, decoded, query } from '../support/dns-client.ts';
import { DNS_MESSAGE, DohClient, type DohRequestFields, getPath, requestHttp1 } from '../support/doh-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { answerWithRecords, aRecord, soaOf } from '../support/scripted-answers.ts';
import { CLIENT_TLS, fixture } from '../support/tls-fixture.ts';
import { startWeirProcess, until, type WeirProcess } from '../support/weir-process.ts';

const HOST = '127.0.0.1';
const FILES = {
  'list.txt': 'listed.example\n',
  'drop.txt': 'dropped.example\n',
  'certificate.pem': fixture('server.pem'),
  'key.pem': fixture('server-key.pem'),
};

let weir: WeirProcess;
let upstream: FakeUpstream;

function config(listen: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    listen: {
      do53: [`${HOST}:0`],
      dot: [`${HOST}:0`],
      doh: [`${HOST}:0`],
      admin: `${HOST}:0`,
      warningPageHttp: '',
      ...listen,
    },
    workers: 2,
    upstreams: [upstream.url],
    upstreamQueries: { deadlineMs: 20_000, attemptTimeoutMs: 10_000 },
    lists: [
      { name: 'list', source: 'list.txt' },
      { name: 'drop', source: 'drop.txt', action: 'drop' },
    ],
    tls: { certificate: 'certificate.pem', key: 'key.pem' },
  };
}

beforeAll(async () => {
  upstream = await startFakeUpstream();
  weir = await startWeirProcess({ files: FILES, config: config() });
});

quietBetweenTests(() => ({ weir, upstream }), 'weir_tls_connections');

const overHttp2 = async (fields: DohRequestFields) => (await DohClient.open(weir.dohPort)).request(fields);
const overHttp1 = async (fields: DohRequestFields) => requestHttp1(weir.dohPort, fields);
const post = (message: Uint8Array): DohRequestFields => ({
  method: 'POST',
  headers: { 'content-type': DNS_MESSAGE, accept: DNS_MESSAGE },
  body: message,
});

describe.each([
  ['HTTP/2', overHttp2],
  ['HTTP/1.1', overHttp1],
])('over %s', (_, request) => {
  test.each([
    ['GET', (message: Uint8Array): DohRequestFields => ({ path: getPath(message) })],
    ['POST', post],
  ])('%s is answered: blocked, from the upstream, from the cache', async (__, fields) => {
    const blocked = await request(fields(query('listed.example', 1, { id: 0 })));
    expect(blocked.headers).toMatchObject({ 'content-type': DNS_MESSAGE, 'cache-control': 'private, max-age=30' });
    expect(decoded(blocked.body).id).toBe(0);
    expect(decoded(blocked.body).answers.map(({ data }) => data)).toEqual(['192.0.2.53']);
    upstream.answerWith((asked) => respond(asked, { ttlSeconds: 120 }));
    for (const expected of [120, 120]) {
      const { headers, body } = await request(fields(query(`cached-${request.name}.example`)));
      const [answer] = decoded(body).answers;
      expect(answer?.data).toBe('192.0.2.1');
      expect(headers['cache-control']).toBe(`private, max-age=${answer?.ttlSeconds}`);
      expect(answer?.ttlSeconds).toBeLessThanOrEqual(expected);
    }
  });

  test('the freshness is that of the shortest answer, of a SOA, or none', async () => {
    upstream.answerWith((asked) => {
      const { name } = asked;
      if (name.startsWith('two'))
        return answerWithRecords(asked, { answers: [aRecord(name, '192.0.2.1', 90), aRecord(name, '192.0.2.2', 40)] });
      if (name.startsWith('none')) return answerWithRecords(asked, { rcode: 3, authorities: [soaOf('example', 25)] });
      return respond(asked, { rcode: 5 });
    });
    const freshness = async (name: string): Promise<unknown> =>
      (await request(post(query(`${name}-${request.name}.example`)))).headers['cache-control'];
    expect(await freshness('two')).toBe('private, max-age=40');
    expect(await freshness('none')).toBe('private, max-age=25');
    expect(await freshness('failing')).toBe('private, max-age=0');
  });

  test('an answer larger than UDP takes is whole', async () => {
    upstream.answerWith((asked) =>
      asked.transport === 'udp'
        ? respond(asked, { truncated: true })
        : answerWithRecords(asked, {
            answers: Array.from({ length: 200 }, (__, index) => aRecord(asked.name, `192.0.2.${index}`)),
          }),
    );
    const { body } = await request(post(query(`large-${request.name}.example`, 1, { udpPayloadBytes: 512 })));
    expect(decoded(body).answers).toHaveLength(200);
    expect(decoded(body).flags & 0x0200).toBe(0);
  });

  test('a name whose action is to drop gets no response at all', async () => {
    await expect(request(post(query('dropped.example')))).rejects.toThrow();
  });
});

describe('counting', () => {
  test('tells DoH from the rest, and the statuses', async () => {
    const queries = await weir.metric('weir_queries_total', 'transport="doh"');
    const good = await weir.metric('weir_doh_responses_total', 'status="200"');
    const missing = await weir.metric('weir_doh_responses_total', 'status="404"');
    await overHttp2(post(query('listed.example')));
    await overHttp2({ path: '/' });
    expect(await weir.metric('weir_queries_total', 'transport="doh"')).toBe(queries + 1);
    expect(await weir.metric('weir_doh_responses_total', 'status="200"')).toBe(good + 1);
    expect(await weir.metric('weir_doh_responses_total', 'status="404"')).toBe(missing + 1);
  });
});

/** Resolves when the server has taken all that was sent, or the session is gone. */
function received(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.destroyed || !session.ping(() => resolve())) resolve();
  });
}

describe('an attack on one connection', () => {
  test('by streams that are reset at once is ended, while others are served', async () => {
    const victim = await DohClient.open(weir.dohPort);
    const attacker = await DohClient.open(weir.dohPort);
    upstream.answerWith(() => undefined);
    const cutBefore = await weir.metric('weir_doh_connections_cut_total');
    for (let sent = 0; sent < 20_000 && !attacker.session.destroyed; sent++) {
      const stream = attacker.session.request({ ':path': getPath(query(`n.d${sent}.example`)) });
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
      // Why: streams that the server has not seen reset yet count as open, and too many of them are another fault.
      if (sent % 50 === 49) await received(attacker.session);
    }
    await attacker.closed();
    await weir.untilMetric((count) => count === 1, 'weir_doh_connections_cut_total', 'reason="resets"');
    expect(await weir.metric('weir_doh_connections_cut_total')).toBe(cutBefore + 1);
    expect((await victim.request({ path: getPath(query('listed.example')) })).status).toBe(200);
  });
});

describe('discovery', () => {
  test('announces both listeners under the name in the certificate', async () => {
    const { answers } = await ask({ port: weir.port }, '_dns.resolver.arpa', 64);
    const name = Buffer.from('\u0003dns\u0007example\u0004test\u0000', 'latin1').toString('hex');
    const port = (value: number): string => `00030002${value.toString(16).padStart(4, '0')}`;
    expect(answers).toHaveLength(2);
    expect(answers[0]?.data).toContain(`0001${name}00010003026832${port(weir.dohPort)}0007`);
    expect(answers[1]?.data).toContain(`0002${name}0001000403646f74${port(weir.dotPort)}`);
  });

  test('announces nothing where there is nothing', async () => {
    const other = await startWeirProcess({ files: FILES, config: config({ dot: [], doh: [] }) });
    const answer = await ask({ port: other.port }, '_dns.resolver.arpa', 64);
    expect(answer).toMatchObject({ rcode: 0, answers: [] });
    await other.stop();
  });
});

describe('at the end', () => {
  test('what is under way is answered, and the client is told to go elsewhere', async () => {
    const other = await startWeirProcess({ files: FILES, config: config() });
    let held: FakeQuery | undefined;
    upstream.answerWith((asked) => {
      held = asked;
      return undefined;
    });
    const client = await DohClient.open(other.dohPort);
    const goaway = once(client.session, 'goaway');
    const answered = client.request(post(query('slow.example')));
    await until(
      () => held,
      (asked) => asked !== undefined,
      'the upstream is asked',
    );
    other.program.signal('SIGTERM');
    expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    held!.reply(respond(held!));
    expect((await answered).status).toBe(200);
    expect((await other.program.ended()).code).toBe(0);
  });
});

describe('the admin listener', () => {
  test('speaks HTTPS, and only that, where it is not on loopback; a new certificate is shown', async () => {
    const other = await startWeirProcess({ files: FILES, config: config({ admin: '0.0.0.0:0', dot: [], doh: [] }) });
    const port = Number(new URL(other.adminUrl).port);
    const get = (path: string) =>
      new Promise<{ fingerprint: string; body: string }>((resolve, reject) => {
        const request = https({ host: HOST, port, path, agent: false, ...CLIENT_TLS }, (response) => {
          const fingerprint = (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
          void text(response).then((body) => resolve({ fingerprint, body }), reject);
        });
        request.on('error', reject);
        request.end();
      });
    const before = await get('/metrics');
    expect(before.body).toContain('weir_tls_certificate_expiry_timestamp_seconds 49');
    await expect(fetch(`http://${HOST}:${port}/metrics`)).rejects.toThrow();
    other.write('key.pem', fixture('server-2-key.pem'));
    other.write('certificate.pem', fixture('server-2.pem'));
    await until(
      async () => (await get('/healthz')).fingerprint,
      (fingerprint) => fingerprint !== before.fingerprint,
      'the new certificate',
    );
    await other.stop();
  });

  test('speaks HTTP on loopback, though there is a certificate', async () => {
    const response = await fetch(`${weir.adminUrl}/healthz`);
    expect(response.status).toBe(200);
  });
});
