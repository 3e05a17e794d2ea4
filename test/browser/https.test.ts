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

describe('without an authority', () => {
  test('Chromium reports the alert after one connection, instead of waiting or asking again', async () => {
    await start({});
    const opened = visit(visited.chromium.browser, visited.https('www.listed.example'));
    await expect(opened).rejects.toThrow('net::ERR_SSL_UNRECOGNIZED_NAME_ALERT');
    expect(await hellos('blocked')).toBe(1);
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
    await expect(visit(browser, visited.https('localhost'))).rejects.toThrow('net::ERR_SSL_UNRECOGNIZED_NAME_ALERT');
    expect(await hellos('notBlocked')).toBe(1);
  });
});
