/** What the supervisor waits for, by name: a thread that listens, a first policy, a drained data plane. */

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class Waits {
  readonly #open = new Map<string, Waiting>();

  for(what: string): Promise<void> {
    return new Promise((resolve, reject) => this.#open.set(what, { resolve, reject }));
  }

  /** It has come; nothing happens where nobody waits for it. */
  settle(what: string): void {
    this.#open.get(what)?.resolve();
    this.#open.delete(what);
  }

  /** It will not come; whether anybody was waiting. */
  reject(what: string, error: Error): boolean {
    const waiting = this.#open.get(what);
    waiting?.reject(error);
    return waiting !== undefined;
  }
}

/** Waits for a promise, up to `limitMs`. */
export async function within(promise: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)))]);
  clearTimeout(timer);
}
