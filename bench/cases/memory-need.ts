/**
 * What memory a server would need with a longer list, by what it took with shorter ones: a straight line through the two longest
 * of them, or a share a name where there is but one. For leaving out what would end in the system's hands.
 */
export interface Taken {
  readonly names: number;
  readonly bytes: number;
}

/** Room for what is no straight line. */
const MARGIN = 1.2;

/** Undefined where nothing was measured, so that nothing can be said. Units: bytes. */
export function bytesNeeded(taken: readonly Taken[], names: number): number | undefined {
  const [longest, before] = taken.toSorted((one, other) => other.names - one.names);
  if (longest === undefined) return undefined;
  const from = before ?? { names: 0, bytes: 0 };
  const bytesPerName = Math.max(0, (longest.bytes - from.bytes) / (longest.names - from.names));
  return longest.bytes + bytesPerName * (names - longest.names) * MARGIN;
}
