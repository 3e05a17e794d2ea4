/**
 * The cross-checks of the keys under `warningPage` and of the listener for HTTPS: files that must be readable and good,
 * colours that must be told apart, an authority that must be whole. Runs on the raw value, as cross-checks.ts does.
 */
import { resolve } from 'node:path';
import { CONTRAST_MIN, PAGE_COLOURS_DEFAULT, contrastPairs, contrastRatio } from './page-colours.ts';
import { PAGE_LANGUAGES } from './page-text-keys.ts';
import { authorityProblem, readLogo, readPageTexts } from './warning-page-files.ts';

type Report = (path: readonly (string | number)[], message: string) => void;

const COLOUR = /^#[0-9a-f]{6}$/i;

/** @param textAt the text behind a path of keys; undefined where there is none, or '' */
export function checkWarningPage(
  textAt: (...path: readonly string[]) => string | undefined,
  folder: string,
  report: Report,
): void {
  const logo = textAt('warningPage', 'logo');
  const logoRead = logo === undefined ? undefined : readLogo(resolve(folder, logo));
  if (logoRead?.kind === 'bad') report(['warningPage', 'logo'], logoRead.message);
  for (const language of PAGE_LANGUAGES) {
    const file = textAt('warningPage', 'texts', language);
    const texts = file === undefined ? undefined : readPageTexts(resolve(folder, file));
    if (texts?.kind === 'bad') report(['warningPage', 'texts', language], texts.message);
  }
  checkColours((key) => textAt('warningPage', 'colours', key), report);
  checkAuthority(textAt, folder, report);
}

function checkColours(colourOf: (key: string) => string | undefined, report: Report): void {
  const colours = { ...PAGE_COLOURS_DEFAULT };
  for (const key of ['banner', 'bannerText', 'accent', 'accentDark'] as const) {
    const colour = colourOf(key);
    // Why: the schema says what is wrong with a colour that is none.
    if (colour !== undefined && COLOUR.test(colour)) colours[key] = colour;
  }
  for (const { key, colour, on } of contrastPairs(colours)) {
    const ratio = contrastRatio(colour, on);
    if (ratio >= CONTRAST_MIN) continue;
    report(
      ['warningPage', 'colours', key],
      `${colour} on ${on} has a contrast of ${ratio.toFixed(1)}; text needs ${CONTRAST_MIN} or more (WCAG 1.4.3)`,
    );
  }
}

function checkAuthority(
  textAt: (...path: readonly string[]) => string | undefined,
  folder: string,
  report: Report,
): void {
  const certificate = textAt('warningPage', 'tls', 'caCertificate');
  const key = textAt('warningPage', 'tls', 'caKey');
  if (certificate === undefined && key === undefined) return;
  if (certificate === undefined || key === undefined) {
    const missing = certificate === undefined ? 'caCertificate' : 'caKey';
    report(['warningPage', 'tls', missing], 'caCertificate and caKey are given together, or neither');
    return;
  }
  if (textAt('listen', 'warningPageHttps') === undefined) {
    report(['warningPage', 'tls', 'caCertificate'], 'without listen.warningPageHttps nobody would be shown it');
  }
  const problem = authorityProblem(resolve(folder, certificate), resolve(folder, key));
  if (problem !== undefined) report(['warningPage', 'tls', 'caCertificate'], problem);
}
