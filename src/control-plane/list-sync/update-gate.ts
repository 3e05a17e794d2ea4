/**
 * What of one pulled list waits for a person, and what people have let through: the memory behind list-update.ts, kept by
 * list-task.ts. A held update is forgotten when the source has another; what was let through is asked for again.
 */
import type { ListApprovals, ListHoldsReport } from '../ledger/ledger.ts';
import type { ListContent } from './list-content.ts';
import { asLifted } from './list-holds.ts';
import { heldUpdateText, holdsReport, type HeldUpdate } from './list-update.ts';
import type { SyncLog } from './sync-log.ts';

export interface GateServices {
  /** What people have let through of the list; undefined: that cannot be told now. */
  readonly approvals: (list: string) => Promise<ListApprovals | undefined>;
  /** What is held of the list now. */
  readonly onHolds: (report: ListHoldsReport) => void;
  readonly log: SyncLog;
}

function decidedNames({ names, lifted = [] }: ListApprovals): readonly string[] {
  return [...names, ...lifted.map(asLifted)];
}

export class UpdateGate {
  readonly #list: string;
  readonly #services: GateServices;
  #approvals: ListApprovals;
  #held: HeldUpdate | undefined;

  constructor(list: string, services: GateServices) {
    this.#list = list;
    this.#services = services;
    this.#approvals = { list, names: [], updateSha256s: [] };
  }

  get approvals(): ListApprovals {
    return this.#approvals;
  }

  get held(): HeldUpdate | undefined {
    return this.#held;
  }

  /** The names of the configuration, those that people have let through, and those that they have lifted. */
  approved(configured: readonly string[]): readonly string[] {
    const decided = decidedNames(this.#approvals);
    return decided.length === 0 ? configured : [...configured, ...decided];
  }

  /** Says what of it counts now: the update that is held, or other names. */
  async readApprovals(): Promise<'update' | 'names' | 'nothing'> {
    const before = this.#approvals;
    this.#approvals = (await this.#services.approvals(this.#list)) ?? before;
    const { updateSha256s } = this.#approvals;
    if (this.#held !== undefined && updateSha256s.includes(this.#held.sha256)) return 'update';
    return decidedNames(this.#approvals).join(' ') === decidedNames(before).join(' ') ? 'nothing' : 'names';
  }

  /** What is in force stays, until a person lets the update through or the source has another. */
  hold(update: HeldUpdate, inForce: ListContent | undefined, version: number): void {
    const isNew = update.sha256 !== this.#held?.sha256;
    this.#held = update;
    const fields = { list: this.#list, guard: update.guard };
    if (isNew) this.#services.log.warn(fields, heldUpdateText(update, version));
    this.report(inForce);
  }

  letGo(): void {
    this.#held = undefined;
  }

  report(inForce: ListContent | undefined): void {
    this.#services.onHolds(holdsReport(this.#list, inForce, this.#held));
  }
}
