/**
 * The tasks of the configured lists, one each, in the configuration's order: made, kept over a reload, closed when their
 * list is gone. Between list-sync.ts, which says when, and list-task.ts, which is one of them. Must not publish.
 */
import type { ListConfig } from '../../config/config.ts';
import { ListTask, type TaskServices } from './list-task.ts';
import { pushedVersionOf } from './policy-publisher.ts';
import type { PushLanes } from './push/push-lanes.ts';

export class ListTasks {
  readonly #services: TaskServices;
  readonly #lanes: PushLanes;
  #all: readonly ListTask[] = [];

  constructor(services: TaskServices, lanes: PushLanes) {
    this.#services = services;
    this.#lanes = lanes;
  }

  get all(): readonly ListTask[] {
    return this.#all;
  }

  find(list: string): ListTask | undefined {
    return this.#all.find(({ config }) => config.name === list);
  }

  /** Before the start: tasks that have not read anything. */
  open(lists: readonly ListConfig[]): void {
    this.#all = lists.map((list) => new ListTask(list, this.#services));
  }

  async start(): Promise<void> {
    await Promise.all(this.#all.map((task) => task.start()));
    for (const { isOfLedger, config, newest } of this.#all)
      if (isOfLedger) this.#lanes.adopt(config.name, pushedVersionOf(newest));
  }

  /** Takes a configuration: lists that are new are started, lists that are gone closed, the others told. */
  async reconfigure(lists: readonly ListConfig[], sharedHostsChanged: boolean): Promise<void> {
    const old = new Map(this.#all.map((task) => [task.config.name, task]));
    const turns: (() => Promise<void>)[] = [];
    this.#all = lists.map((list) => {
      const kept = old.get(list.name);
      old.delete(list.name);
      const task = kept ?? new ListTask(list, this.#services);
      if (kept === undefined) turns.push(() => task.readApprovals().then(() => task.start()));
      else turns.push(() => task.reconfigure(list, sharedHostsChanged));
      return task;
    });
    for (const gone of old.values()) gone.close();
    await Promise.all(turns.map((turn) => turn()));
  }

  async readApprovals(): Promise<void> {
    await Promise.all(this.#all.map((task) => task.readApprovals()));
  }

  /** Tells the lists of the ledger which of their versions every thread judges by. */
  showPushed(): void {
    for (const task of this.#all) {
      const version = task.isOfLedger ? this.#lanes.versionInForce(task.config.name) : undefined;
      if (version !== undefined) task.pushed(version);
    }
    this.#lanes.settle();
  }

  /** Whether a list of the ledger could not be read, and what has come to it since is not known either. */
  get isBehindLedger(): boolean {
    const ofLedger = this.#all.filter(({ isOfLedger }) => isOfLedger).map((task) => task.status());
    return ofLedger.some(({ name, failure }) => failure !== undefined && !this.#lanes.isCaughtUp(name));
  }

  close(): void {
    for (const task of this.#all) task.close();
  }
}
