/**
 * Which row of the counters a blocked query belongs to by the region of its client's group. Rows are the supervisor's, the
 * same for every thread; a region that has none is counted as none. Made anew with a configuration.
 */
import type { ConfiguredGroup } from '../config/config.ts';
import { NO_GROUP } from '../policy/client-groups.ts';
import { NO_REGION_ROW } from '../telemetry/blocked-events.ts';
import { NO_REGION } from '../telemetry/counter-labels.ts';

/** By region; NO_REGION for who is in no group, or in one without a region. */
export type RegionSlots = Readonly<Record<string, number>>;

export class RegionRows {
  /** Whether any group has a region: whether clients need to be looked at. */
  readonly isAny: boolean;
  readonly #none: number;
  readonly #ofGroup: Int32Array;

  constructor(groups: readonly Pick<ConfiguredGroup, 'region'>[], slots: RegionSlots) {
    const none = slots[NO_REGION];
    this.isAny = none !== undefined && groups.some(({ region }) => region !== undefined);
    this.#none = this.isAny ? none! : NO_REGION_ROW;
    this.#ofGroup = Int32Array.from(groups, ({ region = NO_REGION }) => slots[region] ?? this.#none);
  }

  /** @param group index in the configuration, or NO_GROUP. Cost: hot path of blocked queries; allocates nothing. */
  rowOf(group: number): number {
    return group === NO_GROUP ? this.#none : this.#ofGroup[group]!;
  }
}
