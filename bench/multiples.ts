/**
 * Weir's processor time of a query as a multiple of each other server's: the lowest and the highest over all choices of
 * EDNS and outstanding questions that both were measured with in one run.
 */
import type { Row } from './results.ts';

const SERVER = 'weir';

function isSameCell(one: Row, other: Row): boolean {
  return Object.entries(one.parameters).every(([name, value]) => other.parameters[name] === value);
}

/** Weir's figure over the other's, cell by cell. */
function ratios(rows: readonly Row[], name: string, server: string): number[] {
  const own = rows.filter((row) => row.case === name && row.server === SERVER);
  return own.flatMap((row) => {
    const other = rows.find((each) => each.case === name && each.server === server && isSameCell(row, each));
    const [ours, theirs] = [row.values['cpuUs'], other?.values['cpuUs']];
    return ours === undefined || theirs === undefined ? [] : [ours / theirs];
  });
}

/** A line a server, in the order in which they come: its name, then a range for each case. */
export function multipleLines(rows: readonly Row[], cases: readonly string[]): string[][] {
  const measured = rows.filter((row) => cases.includes(row.case));
  const servers = [...new Set(measured.map(({ server }) => server))].filter((server) => server !== SERVER);
  return servers.map((server) => [server, ...cases.map((name) => rangeOf(ratios(measured, name, server)))]);
}

function rangeOf(found: readonly number[]): string {
  if (found.length === 0) return '';
  return `${Math.min(...found).toFixed(2)}–${Math.max(...found).toFixed(2)}`;
}
