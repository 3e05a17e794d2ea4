/**
 * Tells the list's people elsewhere that an appeal has come, and what was decided: one POST of JSON to the operator's
 * address, tried a few times, a bounded number on their way. It carries no word of what was written and nothing of who
 * wrote it; that is read through the API, by who may. What cannot be told is in the ledger all the same.
 */
import { request as httpsRequest } from 'node:https';
import { USER_AGENT } from '../list-sync/sources/guarded-request.ts';
import type { SyncLog } from '../list-sync/sync-log.ts';

export const PENDING_MAX = 100;
export const ATTEMPTS_MAX = 4;
/** Units: milliseconds. */
export const WEBHOOK_TIMEOUT_MS = 5_000;
const RETRY_FIRST_MS = 2_000;

interface EventFields {
  readonly id: string;
  readonly list: string;
  readonly name: string;
  readonly incident: string;
  readonly who: string;
}

export interface AppealReceived extends EventFields {
  readonly event: 'appeal.received';
  /** RFC 3339. */
  readonly dueAt: string;
}

/** Not with the reason: it may say who has appealed. */
export interface AppealDecidedEvent extends EventFields {
  readonly event: 'appeal.decided';
  readonly state: string;
  /** Others, against the same entry. */
  readonly alsoDecided: readonly string[];
  /** Of the list, where the decision has changed it. */
  readonly version: number | null;
}

export type AppealEvent = AppealReceived | AppealDecidedEvent;

/** Sends the body; the status of the answer. Errors: rejects where there is none. */
export type PostJson = (url: string, body: string) => Promise<number>;

export class AppealWebhook {
  readonly #log: Pick<SyncLog, 'warn'>;
  readonly #post: PostJson;
  readonly #waits = new Set<NodeJS.Timeout>();
  #pending = 0;

  constructor(log: Pick<SyncLog, 'warn'>, post: PostJson = postJson) {
    this.#log = log;
    this.#post = post;
  }

  /** Returns at once; '': nobody is told. */
  tell(url: string, event: AppealEvent): void {
    if (url === '') return;
    if (this.#pending >= PENDING_MAX) {
      this.#log.warn({ appeal: event.id }, `${PENDING_MAX} appeals wait for the webhook; it is not told of this one`);
      return;
    }
    this.#pending += 1;
    void this.#attempt(url, event, 1);
  }

  close(): void {
    for (const wait of this.#waits) clearTimeout(wait);
  }

  async #attempt(url: string, event: AppealEvent, attempt: number): Promise<void> {
    const status = await this.#post(url, JSON.stringify(event)).catch(() => 0);
    if (status >= 200 && status < 300) {
      this.#pending -= 1;
      return;
    }
    // Why not for 4xx: the same again is refused again; 408 and 429 say "later".
    const isFinal = status >= 300 && status < 500 && status !== 408 && status !== 429;
    if (isFinal || attempt === ATTEMPTS_MAX) {
      this.#pending -= 1;
      const what = status === 0 ? 'no answer' : `status ${status}`;
      this.#log.warn({ appeal: event.id }, `the webhook of the appeals was not told: ${what}`);
      return;
    }
    const wait = setTimeout(
      () => {
        this.#waits.delete(wait);
        void this.#attempt(url, event, attempt + 1);
      },
      RETRY_FIRST_MS * 2 ** (attempt - 1),
    );
    this.#waits.add(wait.unref());
  }
}

/** One POST; redirects are not followed, the answer's body is not read. Errors: as PostJson. */
export async function postJson(url: string, body: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': USER_AGENT,
  };
  const request = httpsRequest(url, { method: 'POST', headers, agent: false });
  const timer = setTimeout(() => request.destroy(new Error('late')), WEBHOOK_TIMEOUT_MS);
  request.on('error', reject);
  request.once('response', ({ statusCode = 0 }) => resolve(statusCode));
  request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}
