/**
 * Turns what a list calls a name into the name that DNS would be asked for: lower-case A-labels without a trailing dot
 * (the root is "."). Every format sends its words through here, so a name means the same whichever list it stands in.
 * Names with "_" or with hyphens in odd places are legal in DNS and used by phishers: they stay. Addresses do not.
 * UTS 46 non-transitional processing for U-labels; RFC 1035 2.3.4 for lengths.
 */
import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import type { SkipReason } from './list-format.ts';

export type NormalisedName =
  | { readonly kind: 'name'; readonly name: string; readonly hasPath: boolean }
  | { readonly kind: 'skip'; readonly reason: SkipReason };

const NAME_TEXT_MAX = 253;
const LABEL_MAX = 63;
/** A name of 253 octets is at most this long before UTS 46, percent-decoding, scheme and port; the rest is a URL's path. */
const INPUT_TEXT_MAX = 65_536;
const HOST_TEXT_MAX = 4_096;

const CHAR_DOT = 0x2e;
/** 0: not plain, 1: stays as it is, 2: upper case, 3: dot. */
const CHAR_CLASS = charClasses();

const SKIPS = new Map<SkipReason, NormalisedName>();

/**
 * The name that a word of a list stands for: a domain name, `*.name`, `.name`, `name:port` or a URL, perhaps defanged.
 * Cost: one pass over the characters for a plain lower-case name.
 */
export function normaliseName(text: string): NormalisedName {
  return plainName(text, false) ?? unusualName(text);
}

/** The name itself if `text` is nothing but a name in ASCII letters; undefined if it needs a closer look. */
function plainName(text: string, hasPath: boolean): NormalisedName | undefined {
  const length = text.length;
  if (length === 0 || length > NAME_TEXT_MAX) return undefined;
  let labelStart = 0;
  let hasUpper = false;
  for (let at = 0; at < length; at++) {
    const charClass = CHAR_CLASS[text.charCodeAt(at)];
    if (charClass === 1) continue;
    if (charClass === 3) {
      const labelLength = at - labelStart;
      if (labelLength === 0 || labelLength > LABEL_MAX) return undefined;
      labelStart = at + 1;
    } else if (charClass === 2) {
      hasUpper = true;
    } else {
      return undefined;
    }
  }
  const lastLength = length - labelStart;
  if (lastLength === 0 || lastLength > LABEL_MAX) return undefined;
  const first = text.charCodeAt(labelStart);
  if (first >= 0x30 && first <= 0x39 && endsInNumber(text.slice(labelStart))) return undefined;
  return { kind: 'name', name: hasUpper ? text.toLowerCase() : text, hasPath };
}

/** Everything that plainName leaves: URLs, ports, wildcards, U-labels, and the reasons why something is no name. */
function unusualName(text: string): NormalisedName {
  if (text.length > INPUT_TEXT_MAX) return skip('nameTooLong');
  const { host, hasPath, hasScheme } = splitUrl(undefang(withoutListMarks(text.trim())));
  if (host.length > HOST_TEXT_MAX) return skip('nameTooLong');
  let rest = host;
  const at = rest.lastIndexOf('@');
  if (at >= 0) {
    // Why: without a scheme it is an e-mail address, and its domain is somebody's mail provider.
    if (!hasScheme) return skip('notAName');
    rest = rest.slice(at + 1);
  }
  if (rest.startsWith('[') || isIPv6(rest)) return skip('ipAddress');
  rest = rest.replace(/:\d{0,5}$/, '');
  if (rest.includes('%')) {
    const decoded = percentDecoded(rest);
    if (decoded === undefined) return skip('notAName');
    rest = decoded;
  }
  rest = rest.replaceAll(/[\u3002\uff0e\uff61]/g, '.');
  if (rest === '.' || rest === '*' || rest === '*.') return { kind: 'name', name: '.', hasPath };
  if (rest.startsWith('*.')) rest = rest.slice(2);
  else if (rest.startsWith('.')) rest = rest.slice(1);
  if (rest.endsWith('.')) rest = rest.slice(0, -1);
  if (rest.includes('*')) return skip('wildcardInside');
  return asciiName(rest, hasPath);
}

function asciiName(text: string, hasPath: boolean): NormalisedName {
  const labels: string[] = [];
  for (const label of text.split('.')) {
    const ascii = asciiLabel(label);
    if (ascii === undefined || ascii === '') return skip('notAName');
    if (ascii.length > LABEL_MAX) return skip('labelTooLong');
    labels.push(ascii);
  }
  const joined = labels.join('.');
  if (joined.length > NAME_TEXT_MAX) return skip('nameTooLong');
  const last = labels.at(-1) ?? '';
  if (endsInNumber(last)) return skip(labels.every(endsInNumber) ? 'ipAddress' : 'notAName');
  return plainName(joined, hasPath) ?? skip('notAName');
}

/** One label as an A-label, or undefined if no query can ask for it. */
function asciiLabel(label: string): string | undefined {
  if (/^[\w-]*$/.test(label)) return label.toLowerCase();
  // Why: the ASCII characters are checked here because URL host parsing would percent-decode or cut at them.
  // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
  if (/[\u0000-\u002c\u002e\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]/.test(label)) return undefined;
  // Why: alone, a label that maps to digits would be read as an IPv4 address ("１２７" as 0.0.0.127).
  const mapped = domainToASCII(`${label}.a`);
  return mapped.endsWith('.a') ? mapped.slice(0, -2) : undefined;
}

/** Would a URL parser take a name with this last label for an IPv4 address? (decimal, octal or 0x hexadecimal) */
function endsInNumber(label: string): boolean {
  return /^(?:\d+|0x[\da-f]*)$/i.test(label);
}

/** Takes off the commas that a name has left of the list that it stood in. */
function withoutListMarks(text: string): string {
  let end = text.length;
  // Why no regular expression: one anchored at the end only takes quadratic time on a long run.
  while (end > 0 && (text[end - 1] === ',' || text[end - 1] === ';')) end--;
  return end === text.length ? text : text.slice(0, end).trimEnd();
}

function splitUrl(text: string): { host: string; hasPath: boolean; hasScheme: boolean } {
  const scheme = /^(?:[a-z][a-z\d+.-]*|\*):\/\//i.exec(text);
  const rest = scheme === null ? text.replace(/^\/\//, '') : text.slice(scheme[0].length);
  const end = rest.search(/[/\\?#]/);
  if (end < 0) return { host: rest, hasPath: false, hasScheme: scheme !== null };
  // A match pattern's "/*" is any page of the host, which is the host.
  const hasPath = rest.length > end + 1 && rest.slice(end) !== '/*';
  return { host: rest.slice(0, end), hasPath, hasScheme: scheme !== null };
}

/** `hxxp://x[.]com` as reports write it, so that nobody clicks on it. */
function undefang(text: string): string {
  if (!/[[({]|^hxxps?:/i.test(text)) return text;
  return text
    .replace(/^h(?:xx|XX)p/i, 'http')
    .replaceAll(/\[(?:\.|dot)\]|\((?:\.|dot)\)|\{(?:\.|dot)\}|\[\.|\.\]/gi, '.');
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function skip(reason: SkipReason): NormalisedName {
  let result = SKIPS.get(reason);
  if (result === undefined) SKIPS.set(reason, (result = { kind: 'skip', reason }));
  return result;
}

function charClasses(): Uint8Array {
  const classes = new Uint8Array(65_536);
  for (const char of 'abcdefghijklmnopqrstuvwxyz0123456789-_') classes[char.charCodeAt(0)] = 1;
  for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') classes[char.charCodeAt(0)] = 2;
  classes[CHAR_DOT] = 3;
  return classes;
}
