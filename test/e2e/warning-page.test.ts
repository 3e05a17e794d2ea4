/** The warning page of the real process: HTTPS that ends or shows the page, and names blocked by what they lead to. */
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, closeClients } from '../support/dns-client.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { aRecord, answerWithRecords, cnameRecord } from '../support/scripted-answers.ts';
import { CA, fixturePath } from '../support/tls-fixture.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
});

async function start(tls: object = {}) {
  const upstream = await startFakeUpstream((asked) =>
    answerWithRecords(asked, {
      answers: [cnameRecord(asked.name, 'cdn.listed.example'), aRecord('cdn.listed.example')],
    }),
  );
  const weir = await startWeirProcess({
    files: { 'block.txt': 'listed.example\n' },
    config: {
      listen: {
        do53: ['127.0.0.1:0'],
        admin: '127.0.0.1:0',
        warningPageHttp: '127.0.0.1:0',
        warningPageHttps: '127.0.0.1:0',
      },
      warningPage: { tls },
      upstreams: [upstream.url],
      lists: [{ name: 'block', source: 'block.txt' }],
    },
  });
  const ready = await weir.log(({ msg }) => msg === 'ready');
  const { port } = z.looseObject({ port: z.int() }).parse(ready['pageHttps']);
  return { weir, upstream, httpsPort: port };
}

/** What comes back over TLS from the certificate for `name`, or the code of the alert. */
async function askSecurely(port: number, name: string): Promise<string> {
  const request = `GET / HTTP/1.1\r\nHost: ${name}\r\nAccept-Language: en\r\nConnection: close\r\n\r\n`;
  const socket = connect({ port, host: '127.0.0.1', servername: name, ca: CA }, () => socket.write(request));
  return text(socket).catch((error: NodeJS.ErrnoException) => error.code ?? '');
}

async function pageOf(weir: WeirProcess, host: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host, accept: 'application/json', 'accept-language': 'en' };
    get(weir.pageUrl, { headers, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
    }).on('error', reject);
  });
}

describe('without an authority', () => {
  test('HTTPS ends with an alert, counted by what was asked for; a name is explained by where it leads', async () => {
    const { weir, upstream, httpsPort } = await start();
    expect(await askSecurely(httpsPort, 'www.listed.example')).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    expect(await askSecurely(httpsPort, 'shop.example')).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    expect((await pageOf(weir, 'shop.example')).status).toBe(404);

    const answer = await ask(weir.do53[0]!, 'shop.example');
    expect(answer.answers.map(({ name }) => name)).toEqual(['shop.example']);
    const page = await pageOf(weir, 'shop.example');
    expect(page.status).toBe(451);
    expect(JSON.parse(page.body)).toMatchObject({ name: 'shop.example', target: 'cdn.listed.example', list: 'block' });
    await askSecurely(httpsPort, 'shop.example');

    const hellos = async (outcome: string) => weir.metric('weir_warning_page_tls_hellos_total', `outcome="${outcome}"`);
    expect([await hellos('blocked'), await hellos('notBlocked')]).toEqual([2, 1]);
    await upstream.stop();
  });
});

describe('with the authority of a managed network', () => {
  test('HTTPS shows the page for a name that is blocked, and ends for another', async () => {
    const { weir, upstream, httpsPort } = await start({
      caCertificate: fixturePath('ca.pem'),
      caKey: fixturePath('ca-key.pem'),
    });
    const response = await askSecurely(httpsPort, 'www.listed.example');
    expect(response).toMatch(/^HTTP\/1\.1 451 /);
    expect(response).toContain('This website has been blocked');
    expect(await askSecurely(httpsPort, 'good.example')).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    expect(await weir.metric('weir_warning_page_certificates_total', 'outcome="made"')).toBe(1);
    expect(await weir.metric('weir_warning_page_requests_total', 'scheme="https"')).toBe(1);
    await upstream.stop();
  });
});
