/**
 * Readers of the warning page: a given number of views a second, whatever the server does, each from an address of its own
 * and as many by one connection as asked. The readers are a program in C (page-views.c), compiled for each run: in Node a
 * view cost its reader more than the server, and the readers were what was measured.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { runProgram } from './dnsperf.ts';

export interface PageLoad {
  readonly program: string;
  readonly port: number;
  /** Names that are blocked, one a line; asked for in turn. */
  readonly namesFile: string;
  readonly seconds: number;
  readonly viewsPerSecond: number;
  /** 1: as subscribers come, who meet one page. */
  readonly viewsPerConnection: number;
  /** Processors for the readers. */
  readonly cores: string;
}

export interface PageReport {
  /** Whole pages. */
  readonly views: number;
  readonly failed: number;
  readonly viewsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Processor time of the readers for each view. */
  readonly readerCpuUs: number;
}

/** Returns the path of the program. Errors: throws where there is no compiler. */
export function compilePageViews(folder: string): string {
  const program = join(folder, 'page-views');
  execFileSync('cc', ['-O2', '-o', program, new URL('page-views.c', import.meta.url).pathname], { stdio: 'pipe' });
  return program;
}

/** Errors: rejects when the readers cannot be started. */
export async function runPageLoad(load: PageLoad): Promise<PageReport> {
  const { port, viewsPerSecond, seconds, viewsPerConnection, namesFile } = load;
  const args = [port, viewsPerSecond, seconds, viewsPerConnection, namesFile].map(String);
  return readPageReport(await runProgram(load.cores, load.program, args), seconds);
}

/** Reads the line that page-views ends with. Errors: throws when it is not there. */
export function readPageReport(text: string, seconds: number): PageReport {
  const figures = /^(?:\d+ ){5}\d+\n$/.test(text) ? text.trim().split(' ').map(Number) : undefined;
  if (figures === undefined) throw new Error(`the readers reported nothing:\n${text.slice(-2_000)}`);
  const [views = 0, failed = 0, p50Us = 0, p99Us = 0, maxUs = 0, cpuUs = 0] = figures;
  const readerCpuUs = views === 0 ? Number.NaN : cpuUs / views;
  return { views, failed, viewsPerSecond: views / seconds, p50Us, p99Us, maxUs, readerCpuUs };
}
