/**
 * Deadlines without a timer object each: a timing wheel of doubly linked lists, turned by its owner. Adding and removing
 * are a few stores. It must not read time: the caller says what time it is, so that tests can.
 */

/** Precision of every deadline: a node falls due up to one tick late, never early. Units: milliseconds. */
export const TICK_MS = 10;
/** Slots of the wheel (10.24 s). A later deadline goes round again when its slot comes. */
const SLOTS = 1024;
/** WheelNode.slot of a node that is not in. */
export const NO_SLOT = -1;

/** Something that falls due. The fields are the wheel's; begin with slot NO_SLOT and no neighbours. */
export interface WheelNode<Self> {
  dueAtMs: number;
  slot: number;
  nextInSlot: Self | undefined;
  previousInSlot: Self | undefined;
}

export class DeadlineWheel<Node extends WheelNode<Node>> {
  readonly #heads: (Node | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  /** The last tick that advance() has dealt with. */
  #tick = 0;
  #size = 0;
  #advancing = false;

  get size(): number {
    return this.#size;
  }

  /** Puts a node in, or moves it. */
  schedule(node: Node, dueAtMs: number, nowMs: number): void {
    this.cancel(node);
    // Why: an empty wheel is not turned, so it first catches up; not while its slots are being walked.
    if (this.#size === 0 && !this.#advancing) this.#tick = Math.floor(nowMs / TICK_MS);
    node.dueAtMs = dueAtMs;
    this.#link(node);
  }

  /** Takes a node out if it is in. */
  cancel(node: Node): void {
    if (node.slot === NO_SLOT) return;
    const next = node.nextInSlot;
    const previous = node.previousInSlot;
    if (previous === undefined) this.#heads[node.slot] = next;
    else previous.nextInSlot = next;
    if (next !== undefined) next.previousInSlot = previous;
    node.slot = NO_SLOT;
    node.nextInSlot = undefined;
    node.previousInSlot = undefined;
    this.#size--;
  }

  /** Takes out every node that is due and hands it over. `onDue` may schedule and cancel as it likes. */
  advance(nowMs: number, onDue: (node: Node) => void): void {
    const target = Math.floor(nowMs / TICK_MS);
    // Why: after a long pause every slot is visited once, not once for every tick missed.
    if (target - this.#tick > SLOTS) this.#tick = target - SLOTS;
    this.#advancing = true;
    while (this.#tick < target && this.#size > 0) {
      this.#tick++;
      const slot = this.#tick % SLOTS;
      for (let node = this.#heads[slot]; node !== undefined; node = this.#heads[slot]) {
        this.cancel(node);
        if (node.dueAtMs <= nowMs) onDue(node);
        else this.#link(node);
      }
    }
    this.#advancing = false;
  }

  /** Shows everything that is in. `visit` may neither schedule nor cancel. */
  forEach(visit: (node: Node) => void): void {
    for (const head of this.#heads) {
      for (let node = head; node !== undefined; node = node.nextInSlot) visit(node);
    }
  }

  /** Takes out everything, due or not. */
  drain(): Node[] {
    const nodes: Node[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let node = this.#heads[slot]; node !== undefined; node = this.#heads[slot]) {
        this.cancel(node);
        nodes.push(node);
      }
    }
    return nodes;
  }

  #link(node: Node): void {
    const tick = Math.ceil(node.dueAtMs / TICK_MS);
    // Why at most SLOTS - 1 ahead: a node must never land in the slot that advance() is emptying.
    const slot = Math.min(Math.max(tick, this.#tick + 1), this.#tick + SLOTS - 1) % SLOTS;
    const first = this.#heads[slot];
    node.slot = slot;
    node.nextInSlot = first;
    if (first !== undefined) first.previousInSlot = node;
    this.#heads[slot] = node;
    this.#size++;
  }
}
