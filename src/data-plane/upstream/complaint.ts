/** Says why an encrypted upstream cannot be used, once in a while: every query meets the same wrong certificate. */
import { monotonicMs } from '../../clock.ts';

const INTERVAL_MS = 60_000;

export class Complaint {
  readonly #report: (reason: string) => void;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(report: (reason: string) => void) {
    this.#report = report;
  }

  /** A refused connection is no news: the upstream counts as down for it. */
  say(error: NodeJS.ErrnoException): void {
    const nowMs = monotonicMs();
    if (error.code === 'ECONNREFUSED' || nowMs - this.#reportedAtMs < INTERVAL_MS) return;
    this.#reportedAtMs = nowMs;
    this.#report(`${error.code ?? ''} ${error.message}`.trim());
  }
}
