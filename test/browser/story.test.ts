/**
 * The whole way in one browser at one address: a shop that is reached, a push that blocks it, the page, an objection by
 * the form, its private page, the decision of somebody else through the API, and the shop again.
 */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordType } from '../../src/dns/iana.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { maintainerOf } from '../support/maintainer.ts';
import { aRecord, answerWithRecords } from '../support/scripted-answers.ts';
import { visit } from './visit.ts';
import { type VisitedWeir, startVisitedWeir } from './visited-weir.ts';

const NAME = 'teapots.shop.example';
/** Of loopback, and not the one that the warning page has: the shop is at the page's port there. */
const SHOP_ADDRESS = '127.0.0.9';
const SHOP = '<!doctype html><html lang="en"><title>Teapots</title><h1>Teapots</h1></html>';

let upstream: FakeUpstream;
let visited: VisitedWeir;
let shop: Server;

beforeAll(async () => {
  upstream = await startFakeUpstream((asked) =>
    answerWithRecords(asked, {
      answers: asked.name === NAME && asked.qtype === RecordType.A ? [aRecord(NAME, SHOP_ADDRESS)] : [],
    }),
  );
  visited = await startVisitedWeir({
    files: {},
    config: {
      upstreams: [upstream.url],
      lists: [{ name: 'desk', source: 'push', twoPersons: true }],
      appeals: { enabled: true },
    },
  });
  shop = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(SHOP));
  shop.listen(Number(new URL(visited.weir.pageUrl).port), SHOP_ADDRESS);
  await once(shop, 'listening');
});
afterAll(async () => {
  await visited.stop();
  await upstream.stop();
  shop.closeAllConnections();
  shop.close();
});

test('a shop that was blocked by mistake is reached again once its owner’s objection is upheld', async () => {
  const { weir, chromium } = visited;
  // A new private window each time: Chromium keeps an address for a minute, whatever its time to live.
  const open = () => visit(chromium.browser, visited.http(NAME), { locale: 'en' });
  const desk = maintainerOf(weir, ['*'], ['push', 'approve', 'read'], 'Fraud desk');
  const judge = maintainerOf(weir, ['desk'], ['approve'], 'Province');

  const before = await open();
  expect(await before.page.title()).toBe('Teapots');
  await before.close();

  await desk.push('desk', [{ name: 'shop.example', category: 'brushing' }]);
  const blocked = await open();
  const { page } = blocked;
  expect(blocked.response.status()).toBe(451);
  expect(await page.title()).toBe('This website has been blocked');
  const incident = await page.locator('.incident output').innerText();

  await page.locator('a[href^="/weir-appeal"]').click();
  await page.getByLabel('The owner of this site, or acting for them').check();
  await page.getByLabel('How can we reach you?').fill('wang@mail.example');
  await page.getByLabel('Why is the block wrong?').fill('This shop sells teapots.');
  await page.getByRole('button', { name: 'Send the objection' }).click();
  const link = page.locator('a.token');
  await link.waitFor();
  expect(await page.locator('dd b').innerText()).toBe('Received');
  const { pathname, search } = new URL((await link.getAttribute('href'))!);

  const { body } = await judge.get('/v1/appeals?state=received');
  expect(body).toMatchObject({ appeals: [{ id: 'a1', name: NAME, entry: 'shop.example', incident }] });
  const upheld = await judge.post('/v1/appeals/a1/uphold', { reason: 'They do sell teapots.' });
  expect(upheld.status).toBe(200);

  // The window that has the page's address still is shown there what became of it.
  await page.goto(visited.http(NAME, `${pathname}${search}`));
  expect(await page.locator('main').innerText()).toContain('They do sell teapots.');
  expect(blocked.dialogs).toEqual([]);
  await blocked.close();

  const after = await open();
  expect(after.response.status()).toBe(200);
  expect(await after.response.serverAddr()).toMatchObject({ ipAddress: SHOP_ADDRESS });
  expect(await after.page.title()).toBe('Teapots');
  await after.close();
});
