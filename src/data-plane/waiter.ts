/**
 * One client's query while it waits for an upstream: the message as it came, the way back, and who asked. Objects are
 * used again, so that waiting makes none; a rare query that is longer than the room in one gets octets of its own.
 */
import { copyOctets } from '../dns/patch.ts';
import type { QueryView } from '../dns/query-view.ts';
import { ADDRESS_BYTES } from '../policy/address.ts';
import type { ClientKey } from './limits/client-key.ts';
import type { Arrival, ReplyPath } from './listener/arrival.ts';
import type { Respond } from './respond.ts';

/** Room for what nearly every query is. */
const MESSAGE_BYTES = 512;
/** Kept for reuse at most (1 MiB). */
const FREE_MAX = 2_048;

const NOWHERE: ReplyPath = { send: () => undefined, abandon: () => undefined };

export class Waiter {
  /** The query: the first `messageBytes` octets. */
  message: Uint8Array;
  messageBytes = 0;
  reply: ReplyPath = NOWHERE;
  /** The client as limits count it. */
  clientHigh = 0;
  clientLow = 0;
  transport = 0;
  receivedAtMs = 0;
  /** On the question (VerdictKind), as it was while Respond.policyTurn was this. */
  verdict = 0;
  policyTurn = -1;
  /** 16 octets; undefined where nobody needs it. */
  client: Uint8Array | undefined = undefined;
  readonly isLate = true;
  readonly #room = Buffer.allocUnsafeSlow(MESSAGE_BYTES);
  readonly #address = new Uint8Array(ADDRESS_BYTES);

  constructor() {
    this.message = this.#room;
  }

  fill(query: QueryView, arrival: Arrival, { high, low }: ClientKey, verdict: number, respond: Respond): void {
    const keepsClient = respond.keepsClient(query);
    this.verdict = verdict;
    this.policyTurn = respond.policyTurn;
    const { bytes, start, end } = query;
    const messageBytes = end - start;
    this.message = messageBytes > MESSAGE_BYTES ? Buffer.allocUnsafeSlow(messageBytes) : this.#room;
    copyOctets(bytes, start, messageBytes, this.message, 0);
    this.messageBytes = messageBytes;
    this.reply = arrival.keepReplyPath();
    this.clientHigh = high;
    this.clientLow = low;
    this.transport = arrival.transport;
    this.receivedAtMs = arrival.receivedAtMs;
    if (keepsClient) copyOctets(arrival.client, 0, ADDRESS_BYTES, this.#address, 0);
    this.client = keepsClient ? this.#address : undefined;
  }

  /** Lets go of what is somebody else's. */
  empty(): void {
    this.message = this.#room;
    this.reply = NOWHERE;
    this.client = undefined;
  }
}

/** Those that nobody uses at the moment. */
export class WaiterStore {
  readonly #free: Waiter[] = [];

  take(): Waiter {
    return this.#free.pop() ?? new Waiter();
  }

  /** It has been answered, or given up. */
  free(waiter: Waiter): void {
    waiter.empty();
    if (this.#free.length < FREE_MAX) this.#free.push(waiter);
  }
}
