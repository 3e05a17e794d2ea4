/**
 * The form for objections and the private page of one in a real browser, in the three languages: accessible in both
 * schemes, usable without scripts and by its labels alone, and what was written comes back as text.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PAGE_LANGUAGES } from '../../src/config/page-text-keys.ts';
import type { AppealQuestion, AppealReply, AppealView } from '../../src/control-plane/appeal-messages.ts';
import { testWarningPage } from '../support/warning-page.ts';
import { checkAccessibility } from './accessibility.ts';
import { DEVICES, takePicture, type Visit, visit } from './visit.ts';
import { type VisitedWeir, startVisitedWeir } from './visited-weir.ts';

const SECRET = 'abcdefghijklmnopqrstuvwxyz0';
const MARKUP = '</textarea><script>alert(1)</script> "><img src=x onerror=alert(2)>';

const APPEAL: AppealView = {
  id: 'a7',
  name: 'login.bad.example',
  who: 'owner',
  state: 'received',
  createdAtSeconds: 1_800_000_000,
  dueAtSeconds: 1_801_296_000,
  decisionReason: undefined,
  ownerProof: 'none',
  proofToken: 'weir-appeal=abcdefghijklmnopqrstuvwxyz0123456789',
};

let visited: VisitedWeir;
let reply: AppealReply = { kind: 'unavailable' };
const asked: AppealQuestion[] = [];
const ask = (question: AppealQuestion): Promise<AppealReply> => {
  asked.push(question);
  return Promise.resolve(reply);
};
const { server } = testWarningPage({
  config: { requestsPerSecondMax: 0 },
  desk: { ask, retentionDays: 90, statusUrl: '' },
});
let url: string;

beforeAll(async () => {
  // Weir answers the names; the page, whose desk is the test's own, is beside it.
  visited = await startVisitedWeir({
    files: { 'block.txt': 'bad.example\n' },
    config: { lists: [{ name: 'block', source: 'block.txt' }] },
  });
  const address = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  url = `http://login.bad.example:${address.port}`;
});
afterAll(async () => {
  await visited.stop();
  await server.close();
});
beforeEach(() => void asked.splice(0));

const open = (path: string, options: Parameters<typeof visit>[2] = {}): Promise<Visit> =>
  visit(visited.chromium.browser, `${url}${path}`, options);

/** What axe finds, whether the page has to be scrolled in two directions, and complaints of the browser. */
async function faults(shown: Visit): Promise<unknown> {
  const { violations, undecided } = await checkAccessibility(shown.page);
  const width = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  const tooWide = await shown.page.evaluate<number>(width);
  return { violations, undecided, tooWide, complaints: shown.complaints, dialogs: shown.dialogs };
}
const NONE = { violations: [], undecided: [], tooWide: 0, complaints: [], dialogs: [] };

describe.each(PAGE_LANGUAGES)('%s', (locale) => {
  test.each(['light', 'dark'] as const)(
    'the form and what it says of a mistake have no faults: %s',
    async (colorScheme) => {
      reply = { kind: 'refused', code: 'badReason' };
      const shown = await open('/', { ...DEVICES.narrow, locale, colorScheme });
      await shown.page.locator('a[href^="/weir-appeal"]').click();
      await shown.page.waitForURL('**/weir-appeal?lang=*');
      expect(await shown.page.getAttribute('html', 'dir')).toBe(locale === 'ug' ? 'rtl' : 'ltr');
      if (colorScheme === 'light') expect(await faults(shown)).toEqual(NONE);
      const { page } = shown;
      await page.locator('#contact').fill('wang@mail.example');
      await page.locator('#reason').fill(MARKUP);
      await page.locator('#who-owner').check();
      await page.locator('form button').click();
      await page.getByRole('alert').waitFor();
      expect(await page.locator('#reason').inputValue()).toBe(MARKUP);
      expect(await page.locator('#reason').getAttribute('aria-invalid')).toBe('true');
      expect(await page.locator('script, img').count()).toBe(0);
      // Latin words in a Uyghur form are read from the left.
      const bidi = 'getComputedStyle(document.querySelector("#reason")).unicodeBidi';
      expect(await page.evaluate<string>(bidi)).toBe('plaintext');
      expect(await faults(shown)).toEqual(NONE);
      await shown.close();
    },
  );

  test('the private page has none, new and decided', async () => {
    for (const [colorScheme, appeal] of [
      ['light', APPEAL],
      ['dark', { ...APPEAL, state: 'upheld', decisionReason: MARKUP }],
    ] as const) {
      reply = { kind: 'status', appeal };
      const shown = await open(`/weir-appeal/${SECRET}`, { ...DEVICES.narrow, locale, colorScheme });
      expect(shown.response.status()).toBe(200);
      expect(await faults(shown)).toEqual(NONE);
      await shown.close();
    }
  });
});

test('without scripts an owner objects by the labels alone, and is given a link of their own', async () => {
  reply = { kind: 'filed', appeal: APPEAL };
  const shown = await open('/', { ...DEVICES.phone, locale: 'en', javaScriptEnabled: false });
  const { page } = shown;
  await page.locator('a[href^="/weir-appeal"]').click();
  for (const [label, value] of [
    ['How can we reach you?', 'wang@mail.example'],
    ['Why is the block wrong?', 'This shop sells teapots.'],
    ['A link to evidence (optional)', 'https://tea.example/licence'],
  ] as const) {
    await page.getByLabel(label).fill(value);
  }
  await page.getByLabel('The owner of this site, or acting for them').check();
  await takePicture(shown, 'objection');
  await page.locator('form button').click();
  await page.locator('a.token').waitFor();
  expect(asked).toMatchObject([
    {
      kind: 'file',
      appeal: {
        name: 'login.bad.example',
        who: 'owner',
        contact: 'wang@mail.example',
        reason: 'This shop sells teapots.',
      },
    },
  ]);
  expect(await page.locator('a.token').getAttribute('href')).toMatch(/\/weir-appeal\/[\w-]{27}\?lang=en$/);
  await shown.close();
});
