/** Rows of figures as text: one block a case, one line a row, columns as wide as they need. */
import type { Row } from './results.ts';

const MIB = 1024 * 1024;

/** How a figure is shown; figures without an entry are in the JSON only. */
const COLUMNS: Readonly<Record<string, { readonly title: string; readonly show: (value: number) => string }>> = {
  cpuUs: { title: 'CPU us/query', show: (value) => value.toFixed(2) },
  blockedCpuUs: { title: 'blocked us', show: (value) => value.toFixed(2) },
  cachedCpuUs: { title: 'cached us', show: (value) => value.toFixed(2) },
  forwardedCpuUs: { title: 'forwarded us', show: (value) => value.toFixed(2) },
  queriesPerSecond: { title: 'queries/s', show: (value) => value.toFixed(0) },
  latencyMeanUs: { title: 'mean us', show: (value) => value.toFixed(0) },
  p50Us: { title: 'p50 us', show: (value) => value.toFixed(0) },
  p99Us: { title: 'p99 us', show: (value) => value.toFixed(0) },
  p999Us: { title: 'p99.9 us', show: (value) => value.toFixed(0) },
  maxUs: { title: 'max us', show: (value) => value.toFixed(0) },
  viewCpuUs: { title: 'CPU us/view', show: (value) => value.toFixed(0) },
  viewsPerSecond: { title: 'views/s', show: (value) => value.toFixed(0) },
  viewsFailed: { title: 'failed', show: String },
  viewP50Us: { title: 'view p50 us', show: (value) => value.toFixed(0) },
  viewP99Us: { title: 'view p99 us', show: (value) => value.toFixed(0) },
  readerCpuUs: { title: 'reader us/view', show: (value) => value.toFixed(0) },
  readyMs: { title: 'ready ms', show: (value) => value.toFixed(0) },
  readyAgainMs: { title: 'again ms', show: (value) => value.toFixed(0) },
  windowSeconds: { title: 'window s', show: (value) => value.toFixed(1) },
  inForceMs: { title: 'in force ms', show: (value) => value.toFixed(0) },
  ackMs: { title: 'answered ms', show: (value) => value.toFixed(0) },
  ackP50Ms: { title: 'answered p50 ms', show: (value) => value.toFixed(1) },
  ackP99Ms: { title: 'p99 ms', show: (value) => value.toFixed(1) },
  afterAckP50Ms: { title: 'seen p50 ms', show: (value) => value.toFixed(1) },
  afterAckP99Ms: { title: 'seen p99 ms', show: (value) => value.toFixed(1) },
  cpuMs: { title: 'CPU ms', show: (value) => value.toFixed(1) },
  snapshotBytes: { title: 'snapshot B', show: String },
  deltaBytes: { title: 'delta B', show: String },
  manifestBytes: { title: 'manifest B', show: String },
  residentBytes: { title: 'memory MiB', show: (value) => (value / MIB).toFixed(0) },
  peakBytes: { title: 'peak MiB', show: (value) => (value / MIB).toFixed(0) },
  indexBytesPerName: { title: 'index B/name', show: (value) => value.toFixed(1) },
  sent: { title: 'sent', show: String },
  lost: { title: 'lost', show: String },
  interrupted: { title: 'cut off', show: String },
  late: { title: 'late', show: String },
  wrong: { title: 'wrong', show: String },
};

export interface Grid {
  readonly head: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

/** The rows of one case as cells. */
export function gridOf(rows: readonly Row[]): Grid {
  const parameters = [...new Set(rows.flatMap((row) => Object.keys(row.parameters)))];
  const values = Object.keys(COLUMNS).filter((key) => rows.some((row) => row.values[key] !== undefined));
  return {
    head: ['server', ...parameters, ...values.map((key) => COLUMNS[key]!.title)],
    lines: rows.map((row) => [
      row.server,
      ...parameters.map((key) => String(row.parameters[key] ?? '')),
      ...values.map((key) => {
        const value = row.values[key];
        return value === undefined ? '' : COLUMNS[key]!.show(value);
      }),
    ]),
  };
}

export function table(rows: readonly Row[]): string {
  let text = '';
  for (const name of new Set(rows.map((row) => row.case))) {
    const { head, lines } = gridOf(rows.filter((row) => row.case === name));
    const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]!.length)));
    const draw = (cells: readonly string[]): string =>
      cells
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ');
    text += `\n${name}\n${draw(head)}\n${lines.map(draw).join('\n')}\n`;
  }
  return text;
}
