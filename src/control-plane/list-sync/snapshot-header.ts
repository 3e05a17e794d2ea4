/** Whether a value from a snapshot's JSON is a header, field by field: a file is read as if a stranger had written it. */
import { isHeldName, isRadiusHold } from './held-entries.ts';
import type { SnapshotHeader } from './policy-snapshot.ts';

const SIZES_MAX = 2 ** 40;

export function isSnapshotHeader(value: unknown): value is SnapshotHeader {
  if (!isObject(value)) return false;
  const sizes = ['format', 'slotWords', 'seed', 'slotCount', 'entryCount', 'tableBytes', 'namesBytes', 'rulesWords'];
  return (
    [...sizes, 'heldWords'].every((key) => isSize(value[key])) &&
    typeof value['fingerprint'] === 'string' &&
    typeof value['endianness'] === 'string' &&
    Array.isArray(value['lists']) &&
    value['lists'].every((list) => list === null || isSnapshotList(list))
  );
}

function isSnapshotList(value: unknown): boolean {
  if (!isObject(value) || typeof value['name'] !== 'string') return false;
  const { facts, validators } = value;
  return (
    ['version', 'entriesInForce', 'held', 'payloadBytes'].every((key) => isSize(value[key])) &&
    Number(value['version']) >= 1 &&
    isSha256(value['payloadSha256']) &&
    isCounts(value['byGuard']) &&
    Array.isArray(value['samples']) &&
    value['samples'].every(isSample) &&
    isListOf(value['names'] ?? [], isHeldName) &&
    isFacts(facts) &&
    (validators === undefined || (isObject(validators) && Object.values(validators).every(isShortText)))
  );
}

function isFacts(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { samples, radiusHeld } = value;
  return (
    typeof value['format'] === 'string' &&
    isSha256(value['sourceSha256']) &&
    isSize(value['entries']) &&
    (value['nameBytes'] === undefined || isSize(value['nameBytes'])) &&
    isCounts(value['skippedByReason']) &&
    isObject(samples) &&
    Object.values(samples).every((all) => Array.isArray(all) && all.every(isSample)) &&
    isListOf(radiusHeld ?? [], isRadiusHold)
  );
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isSample(value: unknown): boolean {
  return isObject(value) && isSize(value['lineNumber']) && typeof value['text'] === 'string';
}

function isCounts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isSize);
}

/** Why the pattern: a validator goes into a request header and must not end it. */
function isShortText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x20-\x7e]{1,1024}$/.test(value);
}

function isSha256(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isSize(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= SIZES_MAX;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
