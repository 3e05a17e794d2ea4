/** What of a reference is shown: one bounded line that hides nothing and turns nothing. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  REFERENCE_CHARACTERS_MAX,
  shownReference,
} from '../../../../src/control-plane/warning-page/shown-reference.ts';

describe('a reference', () => {
  test.each([
    ['沪公（网）字〔2026〕17号', '沪公（网）字〔2026〕17号'],
    ['ۋەقە 17', 'ۋەقە 17'],
    ['  Case\r\n\t17\u2028b ', 'Case 17 b'],
    ['a\u202eb\u2066c\u200fd\u061ce', 'abcde'],
    ['\u0000a\u001b[31m\u0085', 'a[31m'],
    ['a\ud800b\ue000c', 'abc'],
    ['\u200b\ufeff \u0007', undefined],
    ['', undefined],
  ])('%j is shown as %j', (text, shown) => expect(shownReference(text)).toBe(shown));

  test('is cut, and says so', () => {
    const shown = shownReference('😀'.repeat(REFERENCE_CHARACTERS_MAX + 1));
    expect(Array.from(shown!)).toHaveLength(REFERENCE_CHARACTERS_MAX);
    expect(shown).toMatch(/😀…$/u);
    expect(shownReference('x'.repeat(REFERENCE_CHARACTERS_MAX))).toBe('x'.repeat(REFERENCE_CHARACTERS_MAX));
  });

  test('is one bounded line, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_000 }), (text) => {
        const shown = shownReference(text) ?? '';
        expect(Array.from(shown).length).toBeLessThanOrEqual(REFERENCE_CHARACTERS_MAX);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
