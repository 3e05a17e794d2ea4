/**
 * For whom a rule holds. The judge asks it of each rule that it meets, once it is turned to the client of the query; a
 * rule that does not hold for the client is to the judge as one whose mode is off: it hides no other. Asked only of
 * names that are listed.
 */
import type { PublishedPolicy } from './published.ts';
import { RolloutShare } from './rollout-share.ts';
import { RuleMode, ruleMode, ruleRolloutSlot } from './rules.ts';

/**
 * In the place of a client, where somebody is certain to be concerned and it is not known who: every rule holds that
 * holds for anyone. For the warning page, whose visitors come by other addresses than they ask by.
 */
export const ANYONE = new Uint8Array(0);

/** Why a rule is not there for a client. */
export type Absence = 'rollout';

export class Audience {
  /** Whether a rule that was met since `turnTo` may hold for one client and not for another. */
  wasAsked = false;
  #client: Uint8Array | undefined;
  readonly #rollouts: RolloutShare | undefined;

  constructor({ rollouts, lists }: PublishedPolicy) {
    this.#rollouts =
      rollouts === undefined || rollouts.stages.length === 0 ? undefined : new RolloutShare(rollouts, lists);
  }

  /** Whether any verdict may depend on the client: whether clients must be remembered with those who wait. */
  get dependsOnClients(): boolean {
    return this.#rollouts !== undefined;
  }

  /** @param client ADDRESS_BYTES octets, read until the next turn; undefined: unknown, in no rollout */
  turnTo(client: Uint8Array | undefined): void {
    this.#client = client;
    this.wasAsked = false;
  }

  /** The mode that the rule has for the client: a value of RuleMode, `off` where it does not hold. */
  modeOf(word0: number): number {
    return this.absenceOf(word0) === undefined ? ruleMode(word0) : RuleMode.off;
  }

  absenceOf(word0: number): Absence | undefined {
    return ruleRolloutSlot(word0) === 0 || this.#isInRollout(word0) ? undefined : 'rollout';
  }

  /** Of the clients, in hundredths of a per cent. */
  rolloutPermyriadOf(word0: number): number {
    return this.#rollouts?.permyriadOf(word0) ?? 0;
  }

  #isInRollout(word0: number): boolean {
    this.wasAsked = true;
    const client = this.#client;
    if (this.#rollouts === undefined || client === undefined) return false;
    return client === ANYONE ? this.#rollouts.permyriadOf(word0) > 0 : this.#rollouts.has(word0, client);
  }
}
