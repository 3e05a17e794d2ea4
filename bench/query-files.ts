/**
 * Files of questions for dnsperf, the same in every run but for the misses: a miss is never asked twice, not even in a
 * warm-up, so its name carries a prefix that no other run has.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { ListData } from './list-data.ts';

const PIECE_LINES = 20_000;
const CACHED_ZONE = 'cached.example.net';
const MISS_ZONE = 'miss.example.net';
/** Of 100 blocked questions so many ask below a listed name. */
const BELOW_PERCENT = 30;
const MIXED_BLOCKED_PERCENT = 5;

/** The same numbers every time (mulberry32). Units: [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function writeNames(path: string, count: number, nameAt: (index: number) => string): void {
  const file = openSync(path, 'w');
  try {
    for (let start = 0; start < count; start += PIECE_LINES) {
      let piece = '';
      for (let index = start; index < Math.min(count, start + PIECE_LINES); index++) piece += `${nameAt(index)} A\n`;
      writeSync(file, piece);
    }
  } finally {
    closeSync(file);
  }
}

/** A listed name, or one below it, drawn from the whole list. */
export function blockedName(list: ListData, random: () => number): string {
  const name = list.nameAt(Math.floor(random() * list.count));
  return random() * 100 < BELOW_PERCENT ? `www.${name}` : name;
}

export function cachedName(index: number): string {
  return `host${index}.${CACHED_ZONE}`;
}

export function missName(run: string, index: number): string {
  return `${run}x${index}.${MISS_ZONE}`;
}

export function writeBlocked(path: string, list: ListData, count: number): void {
  const random = seededRandom(1);
  writeNames(path, count, () => blockedName(list, random));
}

export function writeCached(path: string, count: number): void {
  writeNames(path, count, cachedName);
}

export function writeMisses(path: string, run: string, count: number): void {
  writeNames(path, count, (index) => missName(run, index));
}

/** Cached names with some blocked ones strewn in. */
export function writeMixed(path: string, list: ListData, count: number, cachedNames: number): void {
  const random = seededRandom(2);
  writeNames(path, count, () =>
    random() * 100 < MIXED_BLOCKED_PERCENT ? blockedName(list, random) : cachedName(Math.floor(random() * cachedNames)),
  );
}
