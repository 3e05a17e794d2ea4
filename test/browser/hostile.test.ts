/**
 * What a hostile link, form or client sends comes back nowhere: not as markup, not as a header, and no script of anybody's
 * runs. Judged by a browser, with the page's own policy and without it, for the policy must not be all that helps.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOSTILE_REQUESTS, MARKER } from './hostile-requests.ts';
import { visit } from './visit.ts';
import { type VisitedWeir, startVisitedWeir } from './visited-weir.ts';

/** 58 characters: a provider's name may have 60. */
const MARKUP = '</dd><script>alert(1)</script><img src=x onerror=alert(2)>';

let visited: VisitedWeir;

beforeAll(async () => {
  visited = await startVisitedWeir({
    files: { 'block.txt': 'listed.example\n' },
    config: {
      lists: [{ name: 'block', source: 'block.txt', authority: MARKUP }],
      warningPage: { provider: MARKUP, hotlines: [{ label: MARKUP, number: '+86 10 1234' }], requestsPerSecondMax: 0 },
    },
  });
});
afterAll(() => visited.stop());

async function send(octets: string): Promise<string> {
  const { port } = new URL(visited.weir.pageUrl);
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  socket.write(octets, 'utf8');
  return text(socket);
}

describe('a raw request', () => {
  test.each(Object.entries(HOSTILE_REQUESTS))('with %s is answered without a word of it', async (_title, octets) => {
    const answer = await send(octets);
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|404|405|431|451) /);
    expect(answer.toLowerCase()).not.toContain(MARKER);
    expect(answer).not.toContain(MARKUP);
    expect(answer).not.toContain('Set-Cookie');
    expect(answer.split('\r\n\r\n')[1] ?? '').not.toContain('HTTP/1.1');
  });
});

describe('in the browser', () => {
  test.each([
    ['path', `/${encodeURIComponent(MARKUP)}`],
    ['query', `/?lang=${encodeURIComponent(`"><script>alert('${MARKER}')</script>`)}`],
    ['fragment', `/#${MARKUP}`],
    ['path that was not encoded', `/"><script>alert('${MARKER}')</script>`],
  ])('a link with markup in its %s opens the page and runs nothing', async (_title, path) => {
    const shown = await visit(visited.chromium.browser, visited.http('www.listed.example', path));
    expect(shown.response.status()).toBe(451);
    expect({ dialogs: shown.dialogs, complaints: shown.complaints }).toEqual({ dialogs: [], complaints: [] });
    expect(await shown.page.evaluate<number>('document.scripts.length + document.images.length')).toBe(0);
    await shown.close();
  });

  test('what the configuration says is shown as text, and nothing of it runs where the policy is taken away', async () => {
    const url = visited.http('www.listed.example');
    const context = await visited.chromium.browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(url);
    expect(await page.locator('dd').first().innerText()).toBe(MARKUP);
    expect(await page.locator('.brand bdi').innerText()).toBe(MARKUP);
    expect(await page.locator('script, img').count()).toBe(0);
    // The policy is away indeed: a script that the test adds does run.
    await page.addScriptTag({ content: 'document.title = "ran"' });
    expect(await page.title()).toBe('ran');
    expect(dialogs).toEqual([]);
    await context.close();
  });

  test('a form sent to a listed name gets the page with 405, and nothing of it is shown', async () => {
    const { browser } = visited.chromium;
    const shown = await visit(browser, visited.http('www.listed.example'), { bypassCSP: true, locale: 'en' });
    const { page } = shown;
    await page.setContent(`<form method="post" action="/login"><input name="user" /><button>Go</button></form>`);
    await page.fill('input', MARKUP);
    const [response] = await Promise.all([page.waitForNavigation(), page.click('button')]);
    expect(response?.status()).toBe(405);
    expect(await page.title()).toBe('This website has been blocked');
    expect(shown.dialogs).toEqual([]);
    await shown.close();
  });

  test('a page that embeds a listed name goes on working: no script error, no frame, no picture', async () => {
    const { browser } = visited.chromium;
    const shown = await visit(browser, visited.http('not-listed.localhost'), { bypassCSP: true });
    const source = visited.http('cdn.listed.example');
    await shown.page.setContent(
      `<script src="${source}a.js"></script><link rel="stylesheet" href="${source}a.css"><img src="${source}a.png">` +
        `<iframe src="${source}"></iframe><p>still here</p>`,
      { waitUntil: 'load' },
    );
    expect(await shown.page.locator('p').innerText()).toBe('still here');
    expect(shown.dialogs).toEqual([]);
    const [frame] = shown.page.frames().slice(1);
    expect(frame?.url()).toBe('chrome-error://chromewebdata/');
    expect(shown.complaints.filter((one) => /Error\b|Uncaught/.test(one))).toEqual([]);
    await shown.close();
  });
});
