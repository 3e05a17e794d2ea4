/**
 * What Weir promises of itself, as ratios of figures of one run: computed from the rows, the worse of with and without
 * EDNS. A target whose figures are missing says so; none is ever filled in by hand.
 */
import type { Row } from './results.ts';

const SERVER = 'weir';
const DNSDIST = ['dnsdist', 'dnsdist-cdb'];
const NOT_MEASURED = 'not measured';

export interface TargetLine {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
}

interface Ratio {
  readonly ratio: number;
  readonly text: string;
}

function figure(rows: readonly Row[], name: string, server: string, key: string, where: Row['parameters']): number {
  const found = rows.find(
    (row) =>
      row.case === name &&
      row.server === server &&
      Object.entries(where).every(([parameter, value]) => row.parameters[parameter] === value),
  );
  return found?.values[key] ?? Number.NaN;
}

/** Weir's figure over the best of the others', at its worst over the choices of EDNS and outstanding that were run. */
function worstRatio(
  rows: readonly Row[],
  name: string,
  others: readonly string[],
  outstanding: readonly number[],
  key = 'cpuUs',
): Ratio | undefined {
  let worst: Ratio | undefined;
  for (const each of outstanding) {
    for (const edns of [false, true]) {
      const where = { outstanding: each, edns };
      const ours = figure(rows, name, SERVER, key, where);
      const theirs = others
        .map((server) => ({ server, value: figure(rows, name, server, key, where) }))
        .filter(({ value }) => !Number.isNaN(value))
        .sort((a, b) => a.value - b.value)[0];
      if (theirs === undefined || Number.isNaN(ours)) continue;
      const ratio = ours / theirs.value;
      const text = `${ratio.toFixed(2)} (${ours.toFixed(2)} against ${theirs.value.toFixed(2)} of ${theirs.server}; ${each} outstanding, ${edns ? 'with' : 'without'} EDNS)`;
      if (worst === undefined || ratio > worst.ratio) worst = { ratio, text };
    }
  }
  return worst;
}

function line(what: string, limit: number, of: string, found: Ratio | undefined): TargetLine {
  const verdict = found === undefined ? '' : found.ratio <= limit ? 'met: ' : 'missed: ';
  return { what, target: `at most ${limit} of ${of}`, measured: `${verdict}${found?.text ?? NOT_MEASURED}` };
}

const BUSY = [500, 100];
const CALM = [20];
/** Not dnsdist with a constant database: what it reads was compiled beforehand, the others read text. */
const READERS_OF_TEXT = ['pdns-recursor', 'dnsdist', 'unbound', 'unbound-rpz', 'dnsmasq'];

/** With as many digits as tell it from the limit. */
function ratioText(ratio: number, limit: number): string {
  const text = ratio.toFixed(2);
  return Number(text) === limit && ratio !== limit ? ratio.toFixed(3) : text;
}

function startLine(rows: readonly Row[], key: string, what: string): TargetLine {
  const ours = figure(rows, 'start', SERVER, key, {});
  const best = READERS_OF_TEXT.map((server) => ({ server, value: figure(rows, 'start', server, key, {}) }))
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => a.value - b.value)[0];
  if (best === undefined || Number.isNaN(ours)) return line(what, 0.5, 'the best peer’s', undefined);
  const ratio = ours / best.value;
  return line(what, 0.5, 'the best peer’s', { ratio, text: `${ratioText(ratio, 0.5)} (best: ${best.server})` });
}

function absolute(what: string, target: string, value: number, limit: number, unit: string): TargetLine {
  const text = Number.isNaN(value) ? NOT_MEASURED : `${value <= limit ? 'met' : 'missed'}: ${value.toFixed(1)} ${unit}`;
  return { what, target, measured: text };
}

export function targetLines(rows: readonly Row[]): TargetLine[] {
  const size = (names: number): number => figure(rows, 'sizes', SERVER, 'indexBytesPerName', { names });
  const reload = rows.filter((row) => row.case === 'reload' && row.parameters['changed'] !== 0);
  const worst = (key: string): number =>
    reload.length === 0 ? Number.NaN : Math.max(...reload.map((row) => row.values[key] ?? Number.NaN));
  const pushed = (change: string): number =>
    figure(rows, 'push', SERVER, 'afterAckP99Ms', { names: 10_000_000, change });
  return [
    line('CPU per blocked query', 0.75, 'dnsdist’s', worstRatio(rows, 'blocked', DNSDIST, BUSY)),
    line('CPU per blocked query', 1.6, 'an I/O echo floor', worstRatio(rows, 'blocked', ['echo-c'], BUSY)),
    line(
      'CPU per cached query',
      0.8,
      'the better of dnsdist’s and PowerDNS Recursor’s',
      worstRatio(rows, 'cached', [...DNSDIST, 'pdns-recursor'], BUSY),
    ),
    line('CPU per forwarded query', 0.9, 'dnsdist’s', worstRatio(rows, 'forwarded', DNSDIST, BUSY)),
    line('blocked, 20 outstanding', 1, 'dnsdist’s', worstRatio(rows, 'blocked', DNSDIST, CALM)),
    line('cached, 20 outstanding', 1, 'dnsdist’s', worstRatio(rows, 'cached', DNSDIST, CALM)),
    absolute('index, 1,000,000 names', 'at most 48 bytes a name', size(1_000_000), 48, 'bytes'),
    absolute('index, 10,000,000 names', 'at most 48 bytes a name', size(10_000_000), 48, 'bytes'),
    startLine(rows, 'readyMs', 'start to ready, list from text'),
    startLine(rows, 'residentBytes', 'memory of the whole process'),
    absolute(
      'a pushed name in force, 10,000,000 names',
      'p99 under 100 ms after the answer',
      pushed('block'),
      100,
      'ms',
    ),
    absolute(
      'a name taken back, 10,000,000 names',
      'p99 under 100 ms after the answer',
      pushed('withdrawal'),
      100,
      'ms',
    ),
    absolute('queries lost in a reload', '0', worst('lost'), 0, 'queries'),
    absolute('queries later than 50 ms in a reload', '0', worst('late'), 0, 'queries'),
    absolute('p99.9 in a reload', 'under 10 ms', worst('p999Us') / 1_000, 10, 'ms'),
  ];
}
