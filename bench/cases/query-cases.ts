/** What is asked in the cases that compare servers: blocked, cached, mixed, forwarded. */
import { join } from 'node:path';
import type { ListData } from '../list-data.ts';
import { SINKHOLE_ADDRESS } from '../list-files.ts';
import type { Expectation } from '../measure.ts';
import {
  blockedName,
  cachedName,
  missName,
  seededRandom,
  writeBlocked,
  writeCached,
  writeMisses,
  writeMixed,
} from '../query-files.ts';
import { UPSTREAM_ADDRESS } from '../upstream-nsd.ts';
import type { CaseContext } from './case.ts';

/** So many different questions, fully warmed: a server that caches its blocked answers has them cached too. */
const QUERIES = 50_000;
const CACHED_NAMES = 10_000;
/** More than any server here answers in a second, so that a run ends by time, not by the end of its file. */
const MISSES_A_SECOND = 150_000;
/** Of the smoke form. */
const SMALL_COUNT = 2_000;

export interface QueryKind {
  readonly name: string;
  readonly title: string;
  /** Takes part with the servers that only echo. */
  readonly withEcho: boolean;
  /** Its file is gone through once, unmeasured, before each measured run: every cache that can hold its answers does. */
  readonly isWarmed: boolean;
  /** `once`: a new file each time, whose questions may not be asked twice. */
  queries(context: CaseContext): { readonly file: string; readonly once: boolean };
  smallQueries(context: CaseContext): { readonly file: string; readonly count: number };
  expectation(context: CaseContext): () => Expectation;
}

const written = new Set<string>();

/** The file, written when a run first needs it. */
function once(context: CaseContext, name: string, write: (path: string) => void): string {
  const path = join(context.folder, name);
  if (!written.has(path)) write(path);
  written.add(path);
  return path;
}

function stable(
  name: string,
  count: number,
  write: (path: string, list: ListData, count: number) => void,
): Pick<QueryKind, 'queries' | 'smallQueries'> {
  return {
    queries: (context) => ({
      file: once(context, `${name}.txt`, (path) => write(path, context.list, count)),
      once: false,
    }),
    smallQueries: (context) => ({
      file: once(context, `${name}-small.txt`, (path) => write(path, context.list, SMALL_COUNT)),
      count: SMALL_COUNT,
    }),
  };
}

const expectCached = (): (() => Expectation) => {
  const random = seededRandom(3);
  return () => ({ name: cachedName(Math.floor(random() * CACHED_NAMES)), address: UPSTREAM_ADDRESS });
};

const expectBlocked = (context: CaseContext): (() => Expectation) => {
  const random = seededRandom(4);
  return () => ({ name: blockedName(context.list, random), address: SINKHOLE_ADDRESS });
};

export const blocked: QueryKind = {
  name: 'blocked',
  title: 'every question is for a listed name or one below it',
  withEcho: true,
  isWarmed: true,
  ...stable('blocked', QUERIES, writeBlocked),
  expectation: expectBlocked,
};

export const cached: QueryKind = {
  name: 'cached',
  title: `every question is one of ${CACHED_NAMES} whose answer is cached`,
  withEcho: true,
  isWarmed: true,
  ...stable('cached', CACHED_NAMES, (path, _, count) => writeCached(path, count)),
  expectation: expectCached,
};

export const mixed: QueryKind = {
  name: 'mixed',
  title: '5 of 100 questions are for listed names, the rest are cached',
  withEcho: false,
  isWarmed: true,
  ...stable('mixed', QUERIES, (path, list, count) => writeMixed(path, list, count, CACHED_NAMES)),
  expectation: (context) => {
    const either = [expectBlocked(context), expectCached()];
    let turn = 0;
    return () => either[turn++ % either.length]!();
  },
};

function misses(context: CaseContext, count: number): string {
  const path = join(context.folder, 'misses.txt');
  writeMisses(path, context.uniqueWord(), count);
  return path;
}

export const forwarded: QueryKind = {
  name: 'forwarded',
  title: 'no question was ever asked before: each goes to the upstream',
  withEcho: false,
  isWarmed: false,
  queries: (context) => ({ file: misses(context, MISSES_A_SECOND * context.options.seconds), once: true }),
  smallQueries: (context) => ({ file: misses(context, SMALL_COUNT), count: SMALL_COUNT }),
  expectation: (context) => {
    const word = context.uniqueWord();
    let index = 0;
    return () => ({ name: missName(word, index++), address: UPSTREAM_ADDRESS });
  },
};

export const QUERY_KINDS: readonly QueryKind[] = [blocked, cached, mixed, forwarded];
