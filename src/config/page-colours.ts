/**
 * The colours of the warning page and the arithmetic that keeps its text readable. The fixed ones are used by the page's
 * style sheet; the four that an operator may set are checked here against what they stand on. WCAG 2.2, 1.4.3.
 */

/** Text of normal size. */
export const CONTRAST_MIN = 4.5;

/** What text stands on, in the light and in the dark scheme. */
export const PAGE_SURFACES = {
  light: { card: '#ffffff', tint: '#f1f4f7' },
  dark: { card: '#181d23', tint: '#222932' },
} as const;

export interface PageColours {
  /** Behind the title, in both schemes. */
  readonly banner: string;
  readonly bannerText: string;
  /** Links, headings and marks in the light scheme, and in the dark one. */
  readonly accent: string;
  readonly accentDark: string;
}

export const PAGE_COLOURS_DEFAULT: PageColours = {
  banner: '#1d4260',
  bannerText: '#ffffff',
  accent: '#8a3b12',
  accentDark: '#f0b48c',
};

/** What each colour of an operator must be told apart from. */
export function contrastPairs({ banner, accent, accentDark, bannerText }: PageColours) {
  const { light, dark } = PAGE_SURFACES;
  return [
    { key: 'bannerText', colour: bannerText, on: banner },
    { key: 'accent', colour: accent, on: light.card },
    { key: 'accent', colour: accent, on: light.tint },
    { key: 'accentDark', colour: accentDark, on: dark.card },
    { key: 'accentDark', colour: accentDark, on: dark.tint },
  ] as const;
}

/** Contrast of two colours written #rrggbb: 1 to 21. Source: WCAG 2.2, contrast ratio and relative luminance. */
export function contrastRatio(colour: string, other: string): number {
  const [darker, lighter] = [luminance(colour), luminance(other)].toSorted((a, b) => a - b);
  return (lighter! + 0.05) / (darker! + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
