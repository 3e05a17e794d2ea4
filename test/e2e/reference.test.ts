/** The reference under which a name was pushed, on the warning page of the real process. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { maintainerOf, type Maintainer } from '../support/maintainer.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

/** Starts of a process, on a machine that may be busy. */
const PROCESS_MS = 120_000;
vi.setConfig({ testTimeout: PROCESS_MS, hookTimeout: PROCESS_MS });

afterAll(stopAllWeirs);

/** Large enough to be kept on the disk. */
const OTHERS = Array.from({ length: 40_000 }, (_, i) => `others-${i}.name-of-some-length.example,Order 2026-${i}\n`);
const POLICE = `name,reference\n${OTHERS.join('')}bank.example,Order 2026-9\nplain-bank.example,\n`;
const CONFIG = {
  workers: 1,
  listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '127.0.0.1:0' },
  sinkhole: { addresses: ['192.0.2.53'] },
  lists: [
    { name: 'desk', source: 'push' },
    { name: 'police', source: 'police.csv', format: 'csv' },
  ],
};

describe('the warning page', () => {
  let weir: WeirProcess;
  let desk: Maintainer;
  beforeAll(async () => {
    weir = await startWeirProcess({ config: CONFIG, files: { 'police.csv': POLICE } });
    desk = maintainerOf(weir, ['desk']);
  });

  async function page(host: string, accept: string): Promise<string> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { host, accept, 'accept-language': 'en' };
      httpRequest(new URL('/', weir.pageUrl), { headers, agent: false }, resolve).on('error', reject).end();
    });
    expect(response.statusCode).toBe(451);
    return text(response);
  }

  /** What the page shows once it is what is expected: a busy ledger may answer too late for the first view. */
  async function untilShown(host: string, reference: string | undefined): Promise<void> {
    await vi.waitFor(
      async () =>
        expect((JSON.parse(await page(host, 'application/json')) as object)['reference' as never]).toBe(reference),
      { timeout: 30_000, interval: 200 },
    );
  }

  test('shows the reference that was pushed with the entry, and the next one after the next push', async () => {
    await desk.push('desk', [{ name: 'bad.example', reference: 'Case (2026) 17' }, 'plain.example']);
    await untilShown('shop.bad.example', 'Case (2026) 17');
    expect(await page('shop.bad.example', 'text/html')).toContain(
      '<dt>Reference</dt>\n<dd><bdi translate="no">Case (2026) 17</bdi></dd>',
    );
    expect(await page('plain.example', 'text/html')).not.toContain('<dt>Reference</dt>');
    await desk.push('desk', [{ name: 'bad.example', reference: 'Case (2026) 18' }]);
    await untilShown('shop.bad.example', 'Case (2026) 18');
  });

  test('shows markup in a reference as text', async () => {
    const reference = '</bdi><script>alert(1)</script>';
    await desk.push('desk', [{ name: 'markup.example', reference }]);
    await untilShown('markup.example', reference);
    const body = await page('markup.example', 'text/html');
    expect(body).toContain('&lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(body).not.toContain('<script');
  });

  test('shows the reference in a large list that is pulled, before and after a restart', async () => {
    await untilShown('login.bank.example', 'Order 2026-9');
    expect(await page('plain-bank.example', 'text/html')).not.toContain('<dt>Reference</dt>');
    const { folder } = weir;
    await weir.stop();
    weir = await startWeirProcess({ config: CONFIG, folder });
    await untilShown('login.bank.example', 'Order 2026-9');
    await untilShown('bad.example', 'Case (2026) 18');
  });
});
