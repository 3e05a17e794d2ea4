/**
 * HTTPS to a listed name in a real browser. Without an authority Chromium is told at once, by a TLS alert, and says so;
 * with the authority of a managed network, which the browser trusts, it shows the page and nothing is to be clicked away.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { fixturePath } from '../support/tls-fixture.ts';
import { visit } from './visit.ts';
import { type VisitedWeir, startVisitedWeir } from './visited-weir.ts';

let visited: VisitedWeir;
afterEach(() => visited.stop());

async function start(tls: object): Promise<void> {
  visited = await startVisitedWeir({
    files: { 'block.txt': 'listed.example\n' },
    config: { lists: [{ name: 'block', source: 'block.txt' }], warningPage: { tls } },
  });
}

const hellos = (outcome: string): Promise<number> =>
  visited.weir.metric('weir_warning_page_tls_hellos_total', `outcome="${outcome}"`);
const certificates = (): Promise<number> =>
  visited.weir.metric('weir_warning_page_certificates_total', 'outcome="made"');

/**
 * Visits until one that is told by an alert has taken one connection. Why several: where a connection is not made within
 * a quarter of a second Chromium begins another beside it, which is chance on a busy machine; what an alert makes it do
 * it does at every visit.
 */
const VISITS_MAX = 10;

async function connectionsOfVisit(at: number): Promise<number> {
  const before = await hellos('blocked');
  const opened = visit(visited.chromium.browser, visited.https(`www${at}.listed.example`));
  await expect(opened).rejects.toThrow('net::ERR_SSL_UNRECOGNIZED_NAME_ALERT');
  return (await hellos('blocked')) - before;
}

describe('without an authority', () => {
  test('Chromium reports the alert after one connection, instead of waiting or asking again', async () => {
    await start({});
    const counts: number[] = [];
    while (!counts.includes(1) && counts.length < VISITS_MAX) counts.push(await connectionsOfVisit(counts.length));
    expect(counts).toContain(1);
    expect(await visited.weir.metric('weir_warning_page_requests_total', 'scheme="https"')).toBe(0);
  });
});

describe('with the authority of a managed network', () => {
  test('Chromium shows the page over TLS without a warning, for listed names alone', async () => {
    await start({ caCertificate: fixturePath('ca.pem'), caKey: fixturePath('ca-key.pem') });
    const { browser } = visited.chromium;
    const shown = await visit(browser, visited.https('www.listed.example'), { locale: 'en' });
    expect(shown.response.status()).toBe(451);
    expect(await shown.response.securityDetails()).toMatchObject({ issuer: 'Weir test authority' });
    expect(await shown.page.title()).toBe('This website has been blocked');
    expect(shown.complaints).toEqual([]);
    await shown.close();
    expect(await certificates()).toBe(1);
    await expect(visit(browser, visited.https('localhost'))).rejects.toThrow('net::ERR_SSL_UNRECOGNIZED_NAME_ALERT');
    expect(await hellos('notBlocked')).toBeGreaterThan(0);
    expect(await certificates()).toBe(1);
  });
});
