/**
 * The document that a feed is: which version of a list there is, and the immutable files that lead to it. What is signed
 * is the file itself, octet for octet. Parsed by hand, strictly and with limits: an unknown key, a gap between deltas or
 * a path that leaves the feed's folder refuses the whole. Must not fetch or verify; feed-check.ts does.
 */
import { createHash } from 'node:crypto';
import { bad, SIGNATURE_TEXT_MAX, type Parsed } from './minisign.ts';

const FEED_FORMAT = 'weir-feed-1';
export const MANIFEST_BYTES_MAX = 1024 * 1024;
/** A signature and a manifest in one document. */
export const SIGNED_BYTES_MAX = MANIFEST_BYTES_MAX + SIGNATURE_TEXT_MAX;
export const DELTAS_MAX = 1000;
const URL_CHARS_MAX = 200;
const FILE_BYTES_MAX = 2 ** 40;
const ENTRIES_MAX = 2 ** 32;
const SHA256 = /^[0-9a-f]{64}$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;
const RELATIVE_PATH = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$/;

export interface FeedFile {
  /** Relative to the manifest; below it. */
  readonly url: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface SnapshotFile extends FeedFile {
  readonly version: number;
}

export interface DeltaFile extends FeedFile {
  readonly from: number;
  readonly to: number;
}

export interface Manifest {
  readonly list: string;
  /** 1 or more; only ever grows. */
  readonly version: number;
  /** Of the manifest before this one, of an earlier version, as it was when this was made; 0 and '' for the first. */
  readonly previousVersion: number;
  readonly previousSha256: string;
  /** That one's contentSha256. Why beside its own hash: who missed that it was signed anew knows it by this. */
  readonly previousContentSha256: string;
  /** Stands for the list's content at this version and all before; the same when a version is only signed anew. */
  readonly contentSha256: string;
  /** Units: milliseconds since 1970. */
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly entryCount: number;
  /** Its version may be behind; the deltas lead on from it. */
  readonly snapshot: SnapshotFile;
  /** Each begins where the one before ends; the last ends at `version`. */
  readonly deltas: readonly DeltaFile[];
}

/** The octets to sign and to serve. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  const { createdMs, expiresMs, entryCount, snapshot, deltas, ...rest } = manifest;
  const document = {
    format: FEED_FORMAT,
    ...rest,
    created: new Date(createdMs).toISOString(),
    expires: new Date(expiresMs).toISOString(),
    entryCount,
    snapshot,
    deltas,
  };
  return Buffer.from(`${JSON.stringify(document, undefined, 1)}\n`);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The next link: `linesSha256` is of what the version changed, as the lines of its delta (or of the first snapshot). */
export function nextContentSha256(previousContentSha256: string, version: number, linesSha256: string): string {
  return sha256Of(Buffer.from(`${previousContentSha256}\n${version}\n${linesSha256}\n`));
}

export function parseManifest(bytes: Uint8Array): Parsed<Manifest> {
  if (bytes.length > MANIFEST_BYTES_MAX) return bad(`a manifest has at most ${MANIFEST_BYTES_MAX} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return bad('it is not JSON in UTF-8');
  }
  try {
    return { kind: 'ok', value: manifestOf(value) };
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    return bad(error.message);
  }
}

/** How a part deep inside ends the parse; parseManifest makes a value of it. */
class Misfit extends Error {}

function manifestOf(value: unknown): Manifest {
  const fields = fieldsOf(value, 'the manifest', [
    'format',
    'list',
    'version',
    'previousVersion',
    'previousSha256',
    'previousContentSha256',
    'contentSha256',
    'created',
    'expires',
    'entryCount',
    'snapshot',
    'deltas',
  ]);
  if (fields['format'] !== FEED_FORMAT) throw new Misfit(`its format is not ${FEED_FORMAT}`);
  const version = wholeOf(fields['version'], 'version', 1);
  const previousVersion = wholeOf(fields['previousVersion'], 'previousVersion', 0, version - 1);
  const previousHash = previousVersion === 0 ? /^$/ : SHA256;
  const createdMs = timeOf(fields['created'], 'created');
  const expiresMs = timeOf(fields['expires'], 'expires');
  if (expiresMs <= createdMs) throw new Misfit('it expires before it was created');
  const snapshot = snapshotOf(fields['snapshot'], version);
  return {
    list: matching(fields['list'], 'list', /^[a-z0-9-]{1,32}$/),
    version,
    previousVersion,
    previousSha256: matching(fields['previousSha256'], 'previousSha256', previousHash),
    previousContentSha256: matching(fields['previousContentSha256'], 'previousContentSha256', previousHash),
    contentSha256: matching(fields['contentSha256'], 'contentSha256', SHA256),
    createdMs,
    expiresMs,
    entryCount: wholeOf(fields['entryCount'], 'entryCount', 0, ENTRIES_MAX),
    snapshot,
    deltas: deltasOf(fields['deltas'], version, snapshot.version),
  };
}

function snapshotOf(value: unknown, version: number): SnapshotFile {
  const fields = fieldsOf(value, 'snapshot', ['url', 'bytes', 'sha256', 'version']);
  return { ...fileOf(fields, 'snapshot'), version: wholeOf(fields['version'], 'snapshot.version', 1, version) };
}

function deltasOf(value: unknown, version: number, snapshotVersion: number): DeltaFile[] {
  if (!Array.isArray(value) || value.length > DELTAS_MAX)
    throw new Misfit(`deltas is no list of at most ${DELTAS_MAX}`);
  const deltas = value.map((item: unknown, index): DeltaFile => {
    const what = `deltas[${index}]`;
    const fields = fieldsOf(item, what, ['from', 'to', 'url', 'bytes', 'sha256']);
    const from = wholeOf(fields['from'], `${what}.from`, 1, version - 1);
    return { from, to: wholeOf(fields['to'], `${what}.to`, from + 1, version), ...fileOf(fields, what) };
  });
  const ends = deltas.map(({ to }) => to);
  if (deltas.some(({ from }, index) => index > 0 && from !== ends[index - 1]))
    throw new Misfit('its deltas have a gap');
  if (deltas.length > 0 && ends.at(-1) !== version) throw new Misfit('its deltas do not end at its version');
  if (snapshotVersion !== version && !deltas.some(({ from }) => from === snapshotVersion)) {
    throw new Misfit('no delta leads on from its snapshot');
  }
  return deltas;
}

function fileOf(fields: Readonly<Record<string, unknown>>, what: string): FeedFile {
  const url = matching(fields['url'], `${what}.url`, RELATIVE_PATH);
  if (url.length > URL_CHARS_MAX) throw new Misfit(`${what}.url is too long`);
  const bytes = wholeOf(fields['bytes'], `${what}.bytes`, 0, FILE_BYTES_MAX);
  return { url, bytes, sha256: matching(fields['sha256'], `${what}.sha256`, SHA256) };
}

function fieldsOf(value: unknown, what: string, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Misfit(`${what} is no object`);
  const fields = value as Record<string, unknown>;
  const missing = keys.find((key) => !Object.hasOwn(fields, key));
  if (missing !== undefined) throw new Misfit(`${what} has no ${missing}`);
  if (Object.keys(fields).length !== keys.length) throw new Misfit(`${what} has keys that are not known`);
  return fields;
}

function wholeOf(value: unknown, what: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new Misfit(`${what} is no whole number from ${min} to ${max}`);
}

function matching(value: unknown, what: string, pattern: RegExp): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new Misfit(`${what} is not as it should be`);
}

function timeOf(value: unknown, what: string): number {
  const time = Date.parse(matching(value, what, RFC3339));
  if (Number.isNaN(time)) throw new Misfit(`${what} is no time`);
  return time;
}
