/**
 * The warning page in a real browser that has only Weir to ask for names: every language, on phone and desktop, light and
 * dark, with scripts and without; and what axe-core says of it. WEIR_SCREENSHOTS=docs/images writes the pictures.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE_LANGUAGES, type PageLanguage } from '../../src/config/page-text-keys.ts';
import { checkAccessibility } from './accessibility.ts';
import { DEVICES, takePicture, type Visit, visit } from './visit.ts';
import { type VisitedWeir, startVisitedWeir } from './visited-weir.ts';

const PAGE_BYTES_MAX = 30_000;
const LONG_NAME = `${'a-very-long-label-'.repeat(3)}${'x'.repeat(9)}.`.repeat(3) + 'long.example';
const INTERNATIONAL_NAME = 'xn--pple-43d.example';

const TITLES: Readonly<Record<PageLanguage, string>> = {
  'zh-CN': '此网站已被拦截',
  en: 'This website has been blocked',
  ug: 'بۇ تور بېكەت توسۇلدى',
};

let visited: VisitedWeir;

beforeAll(async () => {
  visited = await startVisitedWeir({
    files: {
      'police.jsonl': [
        { name: 'secure-bank-login.example', category: 'phishing' },
        { name: INTERNATIONAL_NAME, category: 'impersonation' },
        { name: 'long.example', category: 'investment' },
      ]
        .map((entry) => `${JSON.stringify(entry)}\n`)
        .join(''),
    },
    config: {
      lists: [
        { name: 'police', source: 'police.jsonl', order: 'authority', authority: 'City Police, fraud department' },
      ],
      warningPage: { provider: 'Example Net', objectionUrl: 'https://isp.example/object' },
    },
  });
});
afterAll(() => visited.stop());

const open = async (name: string, options: Parameters<typeof visit>[2] = {}): Promise<Visit> =>
  visit(visited.chromium.browser, visited.http(name), options);

async function overflow({ page }: Visit): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** The pictures that the documents show. */
const PICTURES: Readonly<Record<string, string>> = {
  'phone zh-CN light': 'phone-zh',
  'phone ug dark': 'phone-ug-dark',
  'desktop en light': 'desktop-en',
};

describe.each(PAGE_LANGUAGES)('%s', (locale) => {
  describe.each(['phone', 'desktop'] as const)('on a %s', (device) => {
    test.each(['light', 'dark'] as const)('in the %s scheme', async (colorScheme) => {
      const shown = await open('www.secure-bank-login.example', { ...DEVICES[device], locale, colorScheme });
      const { page, response, requests, complaints } = shown;
      expect(response.status()).toBe(451);
      expect(await response.serverAddr()).toMatchObject({ ipAddress: '127.0.0.1' });
      expect(await page.title()).toBe(TITLES[locale]);
      expect(await page.getAttribute('html', 'lang')).toBe(locale);
      expect(await page.getAttribute('html', 'dir')).toBe(locale === 'ug' ? 'rtl' : 'ltr');
      expect((await response.body()).length).toBeLessThan(PAGE_BYTES_MAX);
      expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([response.url()]);
      expect(complaints).toEqual([]);
      expect(await overflow(shown)).toBe(0);
      const { violations, undecided, rulesPassed } = await checkAccessibility(page);
      expect({ violations, undecided }).toEqual({ violations: [], undecided: [] });
      expect(rulesPassed).toBeGreaterThan(20);
      await takePicture(shown, PICTURES[`${device} ${locale} ${colorScheme}`]);
      await shown.close();
    });
  });
});

describe('whatever the name', () => {
  test.each(PAGE_LANGUAGES)('a long one and an international one fit 320 pixels in %s', async (locale) => {
    for (const name of [LONG_NAME, INTERNATIONAL_NAME]) {
      const shown = await open(name, { ...DEVICES.narrow, locale });
      expect(shown.response.status()).toBe(451);
      expect(await overflow(shown)).toBe(0);
      expect(await shown.page.locator('.host').first().textContent()).toBe(name);
      await shown.close();
    }
  });

  test.each(PAGE_LANGUAGES)('one that is not listed gets a neutral page that axe likes in %s', async (locale) => {
    const colorScheme = locale === 'en' ? 'dark' : 'light';
    const shown = await open('127.0.0.1', { ...DEVICES.phone, locale, colorScheme });
    expect(shown.response.status()).toBe(404);
    expect(await shown.page.getAttribute('html', 'lang')).toBe(locale);
    expect(await shown.page.content()).not.toContain('127.0.0.1');
    expect(shown.complaints).toEqual([]);
    expect(await checkAccessibility(shown.page)).toMatchObject({ violations: [], undecided: [] });
    await shown.close();
  });
});

describe('without scripts', () => {
  test('the page is the same, and its links change the language', async () => {
    const shown = await open('secure-bank-login.example', { javaScriptEnabled: false, locale: 'de' });
    const { page } = shown;
    expect(await page.title()).toBe(TITLES.en);
    expect(await page.locator('.incident output').innerText()).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    await page.getByRole('link', { name: 'ئۇيغۇرچە' }).click();
    await page.waitForURL('**/?lang=ug');
    expect(await page.title()).toBe(TITLES.ug);
    await page.getByRole('link', { name: '中文' }).click();
    await page.waitForURL('**/?lang=zh-CN');
    expect(await page.title()).toBe(TITLES['zh-CN']);
    await shown.close();
  });

  test('the keyboard reaches every link, and shows where it is', async () => {
    const shown = await open('secure-bank-login.example', { locale: 'en' });
    const { page } = shown;
    const links = await page.getByRole('link').evaluateAll((all) => all.map((one) => `${one}`));
    expect(links.map((link) => link.replace(/^http:.*\?/, '?'))).toEqual([
      '?lang=zh-CN',
      '?lang=ug',
      'tel:96110',
      'tel:110',
      'https://isp.example/object',
    ]);
    for (const link of links) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus-visible');
      expect(await focused.evaluate((one) => `${one}`)).toBe(link);
      expect(
        await focused.evaluate('document.activeElement && getComputedStyle(document.activeElement).outlineStyle'),
      ).toBe('solid');
    }
    await shown.close();
  });
});

describe('from right to left', () => {
  test('Uyghur runs from the right, and names and numbers within it from the left', async () => {
    const shown = await open('secure-bank-login.example', { ...DEVICES.desktop, locale: 'ug' });
    const { page } = shown;
    const left = async (selector: string): Promise<number> => (await page.locator(selector).first().boundingBox())!.x;
    expect(await left('.brand')).toBeGreaterThan(await left('.languages'));
    expect(await left('.brand svg')).toBeGreaterThan(await left('.brand > span'));
    expect(await left('dt')).toBeGreaterThan(await left('dd'));
    expect(await left('.incident output > span:last-child')).toBeGreaterThan(await left('.incident output > span'));
    const border = 'getComputedStyle(document.querySelector(".why")).borderRightWidth';
    expect(await page.evaluate<string>(border)).toBe('4px');
    await shown.close();
  });
});
