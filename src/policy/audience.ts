/**
 * For whom a rule holds. The judge asks it of each rule that it meets, once it is turned to the client of the query; a
 * rule that does not hold for the client is to the judge as one whose mode is off: it hides no other. Asked only of
 * names that are listed.
 */
import { type ClientGroup, type ClientGroups, GroupModes, NO_GROUP } from './client-groups.ts';
import type { PublishedPolicy } from './published.ts';
import { RolloutShare } from './rollout-share.ts';
import { RuleMode, ruleMode, ruleRolloutSlot } from './rules.ts';

/**
 * In the place of a client, where somebody is certain to be concerned and it is not known who: every rule holds that
 * holds for anyone. For the warning page, whose visitors come by other addresses than they ask by.
 */
export const ANYONE = new Uint8Array(0);

/** Why a rule is not there for a client: it is held back to others, or the client's group does without it. */
export type Absence = 'rollout' | 'group';

/** Nobody has looked yet which group the client is in. */
const NOT_LOOKED = -2;

export class Audience {
  /** Whether a rule that was met since `turnTo` may hold for one client and not for another. */
  wasAsked = false;
  #client: Uint8Array | undefined;
  #group = NOT_LOOKED;
  readonly #rollouts: RolloutShare | undefined;
  readonly #groups: ClientGroups;
  readonly #modes: GroupModes | undefined;

  constructor({ rollouts, lists }: PublishedPolicy, groups: ClientGroups) {
    this.#rollouts =
      rollouts === undefined || rollouts.stages.length === 0 ? undefined : new RolloutShare(rollouts, lists);
    this.#groups = groups;
    this.#modes = groups.groups.length === 0 ? undefined : new GroupModes(groups.groups, lists);
  }

  /** Whether any verdict may depend on the client: whether clients must be remembered with those who wait. */
  get dependsOnClients(): boolean {
    return this.#rollouts !== undefined || this.#modes !== undefined;
  }

  /** The group of the client that it is turned to. */
  get group(): ClientGroup | undefined {
    return this.#groups.groups[this.#groupIndex()];
  }

  /** @param client ADDRESS_BYTES octets, read until the next turn; undefined: unknown, in no rollout and no group */
  turnTo(client: Uint8Array | undefined): void {
    this.#client = client;
    this.#group = NOT_LOOKED;
    this.wasAsked = false;
  }

  /** The mode that the rule has for the client: a value of RuleMode, `off` where it does not hold. */
  modeOf(word0: number): number {
    return ruleRolloutSlot(word0) === 0 || this.#isInRollout(word0) ? this.groupModeOf(word0) : RuleMode.off;
  }

  /** The same, whether or not the client is in the rule's rollout. */
  groupModeOf(word0: number): number {
    const modes = this.#modes;
    if (modes === undefined) return ruleMode(word0);
    this.wasAsked = true;
    if (this.#client === ANYONE) return modes.ofAnyone(word0);
    const group = this.#groupIndex();
    return group === NO_GROUP ? ruleMode(word0) : modes.of(group, word0);
  }

  absenceOf(word0: number): Absence | undefined {
    if (this.groupModeOf(word0) === RuleMode.off && ruleMode(word0) !== RuleMode.off) return 'group';
    return ruleRolloutSlot(word0) === 0 || this.#isInRollout(word0) ? undefined : 'rollout';
  }

  /** Of the clients, in hundredths of a per cent. */
  rolloutPermyriadOf(word0: number): number {
    return this.#rollouts?.permyriadOf(word0) ?? 0;
  }

  #groupIndex(): number {
    if (this.#group === NOT_LOOKED) {
      const client = this.#client;
      this.#group = client === undefined || client === ANYONE ? NO_GROUP : this.#groups.find(client);
    }
    return this.#group;
  }

  #isInRollout(word0: number): boolean {
    this.wasAsked = true;
    const client = this.#client;
    if (this.#rollouts === undefined || client === undefined) return false;
    return client === ANYONE ? this.#rollouts.permyriadOf(word0) > 0 : this.#rollouts.has(word0, client);
  }
}
