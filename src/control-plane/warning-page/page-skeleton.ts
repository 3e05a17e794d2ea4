/**
 * Pages made out of what was rendered before: of a blocked page only the name, the entry, its reference and the incident
 * number differ from one view to the next, so the rest is rendered and encoded once for each language and kind of block. What comes out
 * is the page that page-html.ts makes, octet for octet; where that cannot be had by filling in, it is rendered.
 */
import type { PageLanguage } from '../../config/page-text-keys.ts';
import type { BlockedHost } from './blocked-host.ts';
import { escapeHtml } from './html.ts';
import { blockedPage, limitedPage, neutralPage } from './page-html.ts';
import type { PageLook } from './page-look.ts';

/** Languages by categories, lists and their versions of late: some 9 kB each. */
const SKELETONS_MAX = 300;
/** Stand for the varying parts while a skeleton is rendered: characters of private use, which escaping leaves alone. */
const NAME = '\ue000';
const ENTRY = '\ue001';
const INCIDENT = ['\ue002', '\ue003', '\ue004'] as const;
const REFERENCE = '\ue005';
const STAND_INS = [NAME, ENTRY, ...INCIDENT, REFERENCE];
const ANY_STAND_IN = new RegExp(`([${STAND_INS.join('')}])`);
/** Each of them is shown once, the last where there is a reference. */
const PIECES = 2 * STAND_INS.length + 1;
const PIECES_WITHOUT_REFERENCE = PIECES - 2;

/** Octets, and between them the positions in STAND_INS of what is to be filled in. */
type Skeleton = readonly (Buffer | number)[];

const skeletons = new WeakMap<PageLook, Map<string, Skeleton | undefined>>();
const plainPages = new WeakMap<PageLook, Map<string, Buffer>>();

/** The page for a blocked name. Cost: some copying; a rendering for the first of its kind. */
export function blockedPageOctets(look: PageLook, language: PageLanguage, blocked: BlockedHost): Buffer {
  const { name, entry, incident, reference, ...others } = blocked;
  const kind = { ...others, reference: reference === undefined ? undefined : REFERENCE };
  const groups = incident.split('-');
  // Why: a name that browsers show in another way, and one blocked by what it leads to, have a section more.
  const isPlain = !name.includes('xn--') && blocked.target === undefined && groups.length === INCIDENT.length;
  const skeleton = isPlain ? skeletonFor(look, language, kind) : undefined;
  if (skeleton === undefined) return Buffer.from(blockedPage(look, language, blocked));
  const values = [name, entry, ...groups, reference ?? ''].map((value) => Buffer.from(escapeHtml(value)));
  return Buffer.concat(skeleton.map((piece) => (typeof piece === 'number' ? values[piece]! : piece)));
}

function skeletonFor(
  look: PageLook,
  language: PageLanguage,
  kind: Omit<BlockedHost, 'name' | 'entry' | 'incident'>,
): Skeleton | undefined {
  const known = entryOf(skeletons, look);
  const key = `${language} ${JSON.stringify(kind)}`;
  if (known.has(key)) return known.get(key);
  if (known.size >= SKELETONS_MAX) known.clear();
  const text = blockedPage(look, language, { ...kind, name: NAME, entry: ENTRY, incident: INCIDENT.join('-') });
  const pieces = text.split(ANY_STAND_IN);
  // Otherwise an operator's own words have such characters.
  const skeleton =
    pieces.length === (kind.reference === undefined ? PIECES_WITHOUT_REFERENCE : PIECES)
      ? pieces.map((piece, at) => (at % 2 === 1 ? STAND_INS.indexOf(piece) : Buffer.from(piece)))
      : undefined;
  known.set(key, skeleton);
  return skeleton;
}

/** The page for everything that is not blocked. */
export function neutralPageOctets(look: PageLook, language: PageLanguage): Buffer {
  return plainPage(look, `neutral ${language}`, () => neutralPage(look, language));
}

/** The page for a client that asks too often. */
export function limitedPageOctets(look: PageLook, language: PageLanguage): Buffer {
  return plainPage(look, `limited ${language}`, () => limitedPage(look, language));
}

function plainPage(look: PageLook, key: string, render: () => string): Buffer {
  const known = entryOf(plainPages, look);
  let page = known.get(key);
  if (page === undefined) known.set(key, (page = Buffer.from(render())));
  return page;
}

function entryOf<V>(all: WeakMap<PageLook, Map<string, V>>, look: PageLook): Map<string, V> {
  let known = all.get(look);
  if (known === undefined) all.set(look, (known = new Map()));
  return known;
}
