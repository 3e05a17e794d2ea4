/**
 * Which counter a blocked query belongs to by the region of its client's group. Rows are the supervisor's, the same for
 * every thread; a region that has none is not counted. Made anew with a configuration.
 */
import type { ConfiguredGroup } from '../config/config.ts';
import { NO_GROUP } from '../policy/client-groups.ts';
import { NO_REGION } from '../telemetry/counter-labels.ts';
import { regionCounter } from '../telemetry/counters.ts';

/** By region; NO_REGION for who is in no group, or in one without a region. */
export type RegionSlots = Readonly<Record<string, number>>;

export class RegionCells {
  /** Whether any group has a region: whether anything is counted. */
  readonly isAny: boolean;
  readonly #none: number;
  readonly #ofGroup: Uint32Array;

  constructor(groups: readonly Pick<ConfiguredGroup, 'region'>[], slots: RegionSlots) {
    const none = slots[NO_REGION];
    this.isAny = none !== undefined && groups.some(({ region }) => region !== undefined);
    this.#none = regionCounter(none ?? 0);
    this.#ofGroup = Uint32Array.from(groups, ({ region = NO_REGION }) => regionCounter(slots[region] ?? none ?? 0));
  }

  /** @param group index in the configuration, or NO_GROUP. Cost: hot path of blocked queries; allocates nothing. */
  cellOf(group: number): number {
    return group === NO_GROUP ? this.#none : this.#ofGroup[group]!;
  }
}
