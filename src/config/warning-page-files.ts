/**
 * What the warning page takes from an operator's files and colours, checked before the page is shown to anybody: a logo
 * (PNG, small), texts that replace Weir's own (YAML, one file a language), and the certificate authority of a managed
 * network. Each reader returns its result or a sentence that says what is wrong.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { parse } from 'yaml';
import type { Parsed } from './address.ts';
import { describeReadError, readSmallFile } from './file-access.ts';
import { PAGE_TEXT_PLACEHOLDERS, isPageTextKey, placeholdersOf } from './page-text-keys.ts';
import type { PageTexts } from './page-text-keys.ts';

/** A page stays below 30 KB with it. */
export const LOGO_BYTES_MAX = 8 * 1024;
const TEXTS_BYTES_MAX = 64 * 1024;
const TEXT_CHARACTERS_MAX = 1000;
const PEM_BYTES_MAX = 64 * 1024;
const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

function bad(message: string): { readonly kind: 'bad'; readonly message: string } {
  return { kind: 'bad', message };
}

function readOctets(file: string, bytesMax: number): Parsed<Buffer> {
  const content = readSmallFile(file, bytesMax);
  if (content.kind === 'ok') return { kind: 'ok', value: Buffer.from(content.text, 'latin1') };
  return bad(content.message.includes(file) ? content.message : `${file} is ${content.message}`);
}

/** The logo as a data: URI. Why PNG alone: an SVG is a document that may hold scripts and links of its own. */
export function readLogo(file: string): Parsed<string> {
  const content = readOctets(file, LOGO_BYTES_MAX);
  if (content.kind === 'bad') return content;
  if (!content.value.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) return bad(`${file} is no PNG image`);
  return { kind: 'ok', value: `data:image/png;base64,${content.value.toString('base64')}` };
}

/** An operator's own words of one language, by key: as many as they like, each with the placeholders of the original. */
export function readPageTexts(file: string): Parsed<Partial<PageTexts>> {
  const content = readOctets(file, TEXTS_BYTES_MAX);
  if (content.kind === 'bad') return content;
  let value: unknown;
  try {
    value = parse(new TextDecoder('utf-8', { fatal: true }).decode(content.value), { maxAliasCount: 0 });
  } catch (error) {
    return bad(`${file}: not valid YAML: ${describeReadError(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad(`${file}: expected lines of the form "key: text"`);
  }
  const texts: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    const problem = textProblem(key, text);
    if (problem !== undefined) return bad(`${file}: ${key}: ${problem}`);
    texts[key] = text;
  }
  return { kind: 'ok', value: texts };
}

function textProblem(key: string, text: unknown): string | undefined {
  if (!isPageTextKey(key)) return 'the page has no text of this name';
  if (typeof text !== 'string' || text.trim() === '') return 'expected a text';
  if (text.length > TEXT_CHARACTERS_MAX) return `longer than ${TEXT_CHARACTERS_MAX} characters`;
  const expected: readonly string[] = PAGE_TEXT_PLACEHOLDERS[key];
  const found = placeholdersOf(text);
  if (expected.length === found.length && expected.every((name) => found.includes(name))) return undefined;
  const wanted = expected.length === 0 ? 'none' : expected.map((name) => `{${name}}`).join(' ');
  return `it must have these placeholders, each by its name: ${wanted}`;
}

/** Why a certificate and key cannot sign for names, or undefined if they can. */
export function authorityProblem(certificateFile: string, keyFile: string): string | undefined {
  const certificatePem = readOctets(certificateFile, PEM_BYTES_MAX);
  if (certificatePem.kind === 'bad') return certificatePem.message;
  const keyPem = readOctets(keyFile, PEM_BYTES_MAX);
  if (keyPem.kind === 'bad') return keyPem.message;
  try {
    const certificate = new X509Certificate(certificatePem.value);
    const key = createPrivateKey(keyPem.value);
    if (!certificate.ca) return `${certificateFile} is not the certificate of an authority (basicConstraints CA)`;
    if (!certificate.checkPrivateKey(key)) return `${keyFile} is not the key of ${certificateFile}`;
    if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa') return `${keyFile}: an EC or RSA key`;
    return undefined;
  } catch {
    // Why not OpenSSL's words: they may repeat what stands in the key.
    return `${certificateFile} and ${keyFile} are not a certificate and a key without password, in PEM`;
  }
}
