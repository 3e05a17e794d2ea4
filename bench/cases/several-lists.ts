/**
 * The same names in one list and in ten that overlap, each name in two or three: a lookup must not cost more, neither of a
 * name that is listed nor of one that no list has, which is looked up to the end before its cached answer is taken.
 */
import { join } from 'node:path';
import { writePlain } from '../list-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { median } from '../statistics.ts';
import { startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';
import { measureInTurns, type MeasuredRun, totalsOf } from './kind-run.ts';
import { overlappingLists } from './overlapping-lists.ts';
import { blocked, cached, type QueryKind } from './query-cases.ts';

const COUNTS = [1, 10];
const OUTSTANDING = 100;
const QUESTIONS: readonly (readonly [string, QueryKind])[] = [
  ['listed', blocked],
  ['unlisted', cached],
];

interface Cell extends MeasuredRun {
  readonly lists: number;
  readonly server: WeirServer;
  readonly questions: string;
}

async function startWith(context: CaseContext, count: number): Promise<WeirServer> {
  const folder = serverFolder(context.folder, `lists-${count}`);
  const listFiles = overlappingLists(context.list, count).map((list, index) => {
    const file = join(folder, `list-${index}.txt`);
    writePlain(file, list);
    return file;
  });
  return startWeirServer(context, { folder, list: context.list, listFiles, threads: 1, cores: context.cores.server });
}

function rowOf(context: CaseContext, cell: Cell): Row {
  const { lists, questions, server, measurements } = cell;
  const { sent, lost, rcodes } = totalsOf(context, `lists, ${lists} of them, ${questions} names`, measurements);
  const { readyMs, residentBytes, peakBytes } = server;
  return {
    case: 'lists',
    server: 'weir',
    parameters: { names: context.list.count, lists, questions },
    values: { cpuUs: median(measurements.map(({ cpuUs }) => cpuUs)), readyMs, residentBytes, peakBytes, sent, lost },
    rcodes,
  };
}

export const severalLists: BenchCase = {
  name: 'lists',
  title: 'the names in one list, and in ten that overlap; questions for listed and for unlisted names',
  run: async (context) => {
    const cells: Cell[] = [];
    const load = { outstanding: OUTSTANDING, edns: true };
    for (const lists of COUNTS) {
      const server = await startWith(context, lists);
      for (const [questions, kind] of QUESTIONS)
        cells.push({ ...load, lists, server, questions, kind, measurements: [] });
    }
    try {
      await measureInTurns(context, cells);
      return cells.map((cell) => rowOf(context, cell));
    } finally {
      for (const server of new Set(cells.map((cell) => cell.server))) await server.program.stop();
    }
  },
};
