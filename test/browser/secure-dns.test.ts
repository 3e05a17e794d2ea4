/**
 * Chromium with its secure DNS set to Weir's DoH, by GET and by POST: what nobody has listed it finds through Weir, what
 * is listed ends at the warning page though the upstream, a hint or a key would lead to the site.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordType } from '../../src/dns/iana.ts';
import { type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { answerWithRecords } from '../support/scripted-answers.ts';
import { fixturePath } from '../support/tls-fixture.ts';
import { startWeirProcess, type WeirProcess } from '../support/weir-process.ts';
import { concat, hex, record, wireName, words } from '../support/wire.ts';
import { BY_GET, type RunningChromium, startChromium } from './chromium.ts';
import { visit } from './visit.ts';

/** Where Weir's page is, and where the site is that the upstream knows every name by: both on one port. */
const PAGE_HOST = '127.0.0.1';
const SITE_HOST = '127.0.0.2';
const SITE_TEXT = 'the site itself';

let upstream: FakeUpstream;
let weir: WeirProcess;
let site: Server;
let port: number;

/** Every name leads to the site by its address; all but shops also by an HTTPS record with that address as a hint. */
function startUpstream(): Promise<FakeUpstream> {
  const hint = concat(words(1), wireName('.'), hex('0004 0004 7f000002'));
  return startFakeUpstream((query) =>
    query.qtype === RecordType.HTTPS && !query.name.endsWith('shop.example')
      ? answerWithRecords(query, { answers: [record(query.name, RecordType.HTTPS, 60, hint)] })
      : respond(query, query.qtype === RecordType.A ? { addresses: [SITE_HOST] } : {}),
  );
}

beforeAll(async () => {
  upstream = await startUpstream();
  weir = await startWeirProcess({
    files: { 'list.txt': 'scam.example\n' },
    config: {
      listen: {
        do53: [`${PAGE_HOST}:0`],
        doh: [`${PAGE_HOST}:0`],
        admin: `${PAGE_HOST}:0`,
        warningPageHttp: `${PAGE_HOST}:0`,
      },
      tls: { certificate: fixturePath('server.pem'), key: fixturePath('server-key.pem') },
      upstreams: [upstream.url],
      lists: [{ name: 'police', source: 'list.txt', order: 'authority' }],
      sinkhole: { addresses: [PAGE_HOST], ttlSeconds: 30 },
    },
  });
  port = Number(new URL(weir.pageUrl).port);
  site = createServer((_, response) => response.end(SITE_TEXT)).listen(port, SITE_HOST);
  await once(site, 'listening');
});

afterAll(async () => {
  site?.closeAllConnections();
  site?.close();
  await weir?.stop();
  await upstream?.stop();
});

describe.each([
  ['POST', ''],
  ['GET', BY_GET],
] as const)('secure DNS by %s', (method, variables) => {
  let chromium: RunningChromium;
  /** Names of this run, for Weir keeps what it has fetched for the other. */
  const label = method.toLowerCase();

  beforeAll(async () => {
    chromium = await startChromium(weir.dohPort, variables);
  });
  afterAll(() => chromium?.stop());

  const asked = (name: string): number[] =>
    upstream.queries.filter((query) => query.name === name).map(({ qtype }) => qtype);

  test('finds a name that is not listed, asking Weir alone and over HTTPS', async () => {
    const name = `${label}.shop.example`;
    const before = await weir.metric('weir_queries_total', 'transport="doh"');
    const shown = await visit(chromium.browser, `http://${name}:${port}/`);
    expect(await shown.page.textContent('body')).toBe(SITE_TEXT);
    expect(await shown.response.serverAddr()).toMatchObject({ ipAddress: SITE_HOST });
    expect(asked(name)).toContain(RecordType.A);
    expect(await weir.metric('weir_queries_total', 'transport="doh"')).toBeGreaterThan(before);
    expect(await weir.metric('weir_queries_total', 'transport="udp"')).toBe(0);
    await shown.close();
  });

  test('heeds an HTTPS record that Weir passes on: one of a listed name would take it past the page', async () => {
    // Such a record says that the site is to be opened by https (RFC 9460 9.5), which ours does not speak.
    const opened = visit(chromium.browser, `http://${label}.hinted.example:${port}/`);
    await expect(opened).rejects.toThrow('ERR_SSL_PROTOCOL_ERROR');
    expect(asked(`_${port}._https.${label}.hinted.example`)).toEqual([RecordType.HTTPS]);
  });

  test('ends at the warning page for a listed name, of which the upstream hears nothing', async () => {
    for (const name of ['scam.example', `www.${label}.scam.example`]) {
      const shown = await visit(chromium.browser, `http://${name}:${port}/login`);
      expect(shown.response.status()).toBe(451);
      expect(await shown.response.serverAddr()).toMatchObject({ ipAddress: PAGE_HOST });
      expect(await shown.page.locator('.host').first().textContent()).toBe(name);
      expect(await shown.page.content()).not.toContain(SITE_TEXT);
      expect(asked(name)).toEqual([]);
      await shown.close();
    }
  });
});
