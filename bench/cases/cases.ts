/** The benchmarks; adding one is a file beside this one and a line here. Run in this order. */
import type { BenchCase } from './case.ts';
import { encrypted } from './encrypted.ts';
import { loadCase } from './load-case.ts';
import { page } from './page.ts';
import { push } from './push.ts';
import { QUERY_KINDS } from './query-cases.ts';
import { reload } from './reload.ts';
import { severalLists } from './several-lists.ts';
import { sizes } from './sizes.ts';
import { smoke } from './smoke.ts';
import { sourcePorts } from './source-ports.ts';
import { start } from './start.ts';
import { threads } from './threads.ts';

export const CASES: readonly BenchCase[] = [
  ...QUERY_KINDS.map(loadCase),
  sourcePorts,
  start,
  sizes,
  severalLists,
  threads,
  reload,
  page,
  push,
  encrypted,
  smoke,
];
