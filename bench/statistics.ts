/** Medians and percentiles of small samples. */

/** NaN for an empty sample. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** By interpolation between the two nearest values; NaN for an empty sample. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below + (above - below) * (at - Math.floor(at));
}
