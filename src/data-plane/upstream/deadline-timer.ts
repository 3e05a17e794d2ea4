/**
 * Turns a deadline wheel with one timer for all that is in it, and none when nothing has been for a while.
 */
import { monotonicMs } from '../../clock.ts';
import { DeadlineWheel, TICK_MS, type WheelNode } from './deadline-wheel.ts';

/** Turns of an empty wheel before the timer stops: starting one for each query would cost more than it saves. */
const IDLE_TICKS_MAX = 100;

export class DeadlineTimer<Node extends WheelNode<Node>> {
  readonly #wheel = new DeadlineWheel<Node>();
  readonly #onDue: (node: Node) => void;
  #interval: NodeJS.Timeout | undefined = undefined;
  #idleTicks = 0;

  constructor(onDue: (node: Node) => void) {
    this.#onDue = onDue;
  }

  /** Puts a node in, or moves it; it falls due at most two ticks late on an idle machine. */
  schedule(node: Node, dueAtMs: number, nowMs: number): void {
    this.#wheel.schedule(node, dueAtMs, nowMs);
    this.#interval ??= setInterval(this.#tick, TICK_MS);
  }

  cancel(node: Node): void {
    this.#wheel.cancel(node);
  }

  /** Shows everything that waits. `visit` may neither schedule nor cancel. */
  forEach(visit: (node: Node) => void): void {
    this.#wheel.forEach(visit);
  }

  /** Stops for good and returns what was waiting. */
  stop(): Node[] {
    clearInterval(this.#interval);
    return this.#wheel.drain();
  }

  /** Why in the check phase: messages that have already arrived are read before anything is found late. */
  readonly #tick = (): void => {
    setImmediate(this.#turn);
  };

  readonly #turn = (): void => {
    this.#wheel.advance(monotonicMs(), this.#onDue);
    this.#idleTicks = this.#wheel.size === 0 ? this.#idleTicks + 1 : 0;
    if (this.#idleTicks < IDLE_TICKS_MAX) return;
    clearInterval(this.#interval);
    this.#interval = undefined;
    this.#idleTicks = 0;
  };
}
