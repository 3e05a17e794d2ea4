/** Pages filled into what was rendered before are, octet for octet, those that would have been rendered. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAGE_LANGUAGES } from '../../../../src/config/page-text-keys.ts';
import type { BlockedHost } from '../../../../src/control-plane/warning-page/blocked-host.ts';
import { blockedPage, limitedPage, neutralPage } from '../../../../src/control-plane/warning-page/page-html.ts';
import { pageLook } from '../../../../src/control-plane/warning-page/page-look.ts';
import {
  blockedPageOctets,
  limitedPageOctets,
  neutralPageOctets,
} from '../../../../src/control-plane/warning-page/page-skeleton.ts';
import { CATEGORIES } from '../../../../src/policy/category.ts';
import { testConfig } from '../../../support/resolver-harness.ts';
import { BLOCKED } from '../../../support/warning-page.ts';

const look = pageLook(testConfig().warningPage);

const labels = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const names = fc.array(labels, { minLength: 1, maxLength: 4 }).map((parts) => `${parts.join('.')}.example`);
/** Mostly what can be filled in. */
const mostly = <T, U>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: other });
const group = fc.stringMatching(/^[0-9A-Z]{4}$/);
const hosts: fc.Arbitrary<BlockedHost> = fc.record({
  name: mostly(names, fc.constant('xn--pple-43d.example')),
  target: mostly(fc.constant(undefined), names),
  entry: names,
  category: fc.constantFrom(...CATEGORIES),
  list: fc.constantFrom('police', 'operator'),
  authority: fc.constantFrom('', 'City Police', '<b>"A" & \'B\'</b>', '$& $1 $$'),
  order: fc.constantFrom('authority', 'operator', 'subscriber'),
  reference: mostly(
    fc.constantFrom(undefined, 'Case (2026) 17', '<b>"17"</b>', '$& $1'),
    fc.string({ unit: 'binary' }),
  ),
  version: fc.integer({ min: 1, max: 3 }),
  incident: mostly(
    fc.tuple(group, group, group).map((groups) => groups.join('-')),
    fc.constant('7K3M'),
  ),
});

describe('a page made of a skeleton', () => {
  test('is the page that would have been rendered, whatever was asked before it', () => {
    fc.assert(
      fc.property(hosts, fc.constantFrom(...PAGE_LANGUAGES), (host, language) => {
        expect(blockedPageOctets(look, language, host).toString()).toBe(blockedPage(look, language, host));
      }),
      { numRuns: 300 },
    );
  });

  test('is right beyond the number of skeletons that are kept', () => {
    for (let version = 1; version < 330; version++) {
      const host = { ...BLOCKED, version, name: `n${version}.bad.example` };
      expect(blockedPageOctets(look, 'en', host).toString()).toBe(blockedPage(look, 'en', host));
    }
  });

  test('is rendered where the operator’s own words have the characters that stand for something else', () => {
    const { en } = look.words;
    const words: typeof en = (key, values) => (key === 'lead' ? 'Stopped \ue000 here \ue002.' : en(key, values));
    const own = { ...look, words: { ...look.words, en: words } };
    expect(blockedPageOctets(own, 'en', BLOCKED).toString()).toBe(blockedPage(own, 'en', BLOCKED));
  });

  test('is another one with another look', () => {
    blockedPageOctets(look, 'en', BLOCKED);
    const own = pageLook(testConfig({ warningPage: { provider: 'Other Net' } }).warningPage);
    expect(blockedPageOctets(own, 'en', BLOCKED).toString()).toContain('Other Net');
  });
});

test.each(PAGE_LANGUAGES)('the pages without a name are those that would have been rendered, in %s', (language) => {
  for (let time = 0; time < 2; time++) {
    expect(neutralPageOctets(look, language).toString()).toBe(neutralPage(look, language));
    expect(limitedPageOctets(look, language).toString()).toBe(limitedPage(look, language));
  }
});
