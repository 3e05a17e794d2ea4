/**
 * A change as NDJSON, for as many entries as `push.entriesMax`: read as it arrives, staged in the ledger in pieces, never
 * in memory as a whole. Nothing of it counts before the commit: a stream that breaks, a bad line, a limit, and all of it
 * is abandoned. The sender is slowed down to what the ledger takes.
 *
 * body -> (gunzip) -> lines -> schema -> Ledger.stage, CHUNK_ENTRIES at a time -> Ledger.commit -> put in force -> answer
 */
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { storeRefusal } from '../ledger/ledger-failure.ts';
import type { ChangeDone, ProposedEntry, ProposedRemoval } from '../ledger/ledger.ts';
import { refuse, refusedByLedger, type ApiAnswer, type ApiCall, type ApiProblem } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { isIdempotencyKey, removalOf } from './change-request.ts';
import { NdjsonLines } from './ndjson-lines.ts';
import { answerChange } from './put-in-force.ts';

/** Entries handed to the ledger at a time. */
export const CHUNK_ENTRIES = 2_000;
/** Bulk changes at a time. */
export const BULK_CHANGES_MAX = 2;
/** Without an octet from the sender. */
const STALL_TIMEOUT_MS = 30_000;

interface Head {
  readonly reason: string;
  readonly idempotencyKey?: string;
}
interface Line {
  readonly reason?: string;
  readonly add?: ProposedEntry;
  readonly remove?: string | ProposedRemoval;
}
type Begun = { readonly kind: 'begun'; readonly id: number };

export class BulkChanges {
  readonly #services: ApiServices;
  #running = 0;

  constructor(services: ApiServices) {
    this.#services = services;
  }

  async handle(call: ApiCall, startedMs: number): Promise<ApiAnswer> {
    if (this.#running >= BULK_CHANGES_MAX) {
      const text = `At most ${BULK_CHANGES_MAX} bulk changes at a time.`;
      return refuse('tooManyRequests', text, undefined, { 'Retry-After': '5' });
    }
    this.#running += 1;
    try {
      const reader = new BulkReader(this.#services, call);
      const list = call.params['name']!;
      const done = await reader.read();
      if (done.kind === 'done') {
        return await answerChange(this.#services, list, done, startedMs);
      }
      this.#services.metrics.countPush(list, reader.isBroken ? 'broken' : 'refused');
      return done;
    } finally {
      this.#running -= 1;
    }
  }
}

/** Reads one body. */
class BulkReader {
  isBroken = false;
  readonly #services: ApiServices;
  readonly #call: ApiCall;
  readonly #lines = new NdjsonLines();
  readonly #isLine: (value: unknown) => boolean;
  #begun: Begun | undefined;
  #entries = 0;
  #add: ProposedEntry[] = [];
  #remove: ProposedRemoval[] = [];

  constructor(services: ApiServices, call: ApiCall) {
    this.#services = services;
    this.#call = call;
    this.#isLine = call.request.compileValidationSchema(call.lineSchema ?? {}) as (value: unknown) => boolean;
  }

  async read(): Promise<ChangeDone | ApiProblem> {
    const source = sourceOf(this.#call);
    if (source === undefined) {
      return refuse('unsupportedMediaType', 'The content encoding is gzip, or none.');
    }
    let problem: ApiProblem | undefined;
    try {
      problem = await this.#readAll(source);
    } catch (error) {
      const refusal = storeRefusal(error);
      this.isBroken = refusal === undefined;
      problem =
        refusal === undefined
          ? refuse('badRequest', `The body broke off: ${messageOf(error)}`)
          : refusedByLedger(refusal);
    }
    if (problem !== undefined) {
      leaveUnread(this.#call, source);
      if (this.#begun !== undefined) await this.#abandon(this.#begun.id);
      return problem;
    }
    const done = await this.#services.ledger.commit(this.#begun!.id);
    return done.kind === 'refused' ? refusedByLedger(done) : done;
  }

  /** Undefined: all of it is staged. */
  async #readAll(source: Readable): Promise<ApiProblem | undefined> {
    const { bodyBytesMax } = this.#services.config().push;
    let bytes = 0;
    for await (const chunk of withStallLimit(source)) {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) {
        return refuse('payloadTooLarge', `At most ${bodyBytesMax} octets (push.bodyBytesMax).`);
      }
      const problem = await this.#takeAll(this.#lines.take(chunk));
      if (problem !== undefined) return problem;
    }
    const problem = await this.#takeAll(this.#lines.end());
    if (problem !== undefined) return problem;
    if (this.#begun === undefined) return refuse('badRequest', 'The first line has to give the reason.');
    await this.#stage();
    return undefined;
  }

  /** Errors: none; a ledger that is gone has forgotten it. */
  async #abandon(id: number): Promise<void> {
    await this.#services.ledger.abandon(id).catch((error: unknown) => {
      if (storeRefusal(error) === undefined) throw error;
    });
  }

  async #takeAll(lines: ReturnType<NdjsonLines['take']>): Promise<ApiProblem | undefined> {
    for (const line of lines) {
      if (line.kind === 'bad') return this.#badLine(line.message, line.lineNumber);
      if (!this.#isLine(line.value)) return this.#badLine('is not what the description of this interface says');
      const problem = await this.#take(line.value as Line);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  async #take(line: Line): Promise<ApiProblem | undefined> {
    if (this.#begun === undefined) {
      return line.reason === undefined
        ? this.#badLine('has to give the reason')
        : this.#begin({ ...line, reason: line.reason });
    }
    if (line.reason !== undefined) return this.#badLine('gives a second reason');
    const { entriesMax } = this.#services.config().push;
    this.#entries += 1;
    if (this.#entries > entriesMax) {
      return refuse('tooManyEntries', `At most ${entriesMax} entries (push.entriesMax).`);
    }
    if (line.add !== undefined) this.#add.push(line.add);
    if (line.remove !== undefined) this.#remove.push(removalOf(line.remove));
    if (this.#add.length + this.#remove.length >= CHUNK_ENTRIES) await this.#stage();
    return undefined;
  }

  async #begin({ reason, idempotencyKey }: Head): Promise<ApiProblem | undefined> {
    const header = this.#call.request.headers['idempotency-key'];
    if (idempotencyKey !== undefined && header !== undefined && idempotencyKey !== header) {
      return refuse('badRequest', 'The first line and the header have different idempotency keys.');
    }
    const key = idempotencyKey ?? (isIdempotencyKey(header) ? header : undefined);
    const { actor, params } = this.#call;
    const begun = await this.#services.ledger.begin({ list: params['name']!, actor, reason, idempotencyKey: key });
    if (begun.kind === 'refused') return refusedByLedger(begun);
    this.#begun = begun;
    return undefined;
  }

  async #stage(): Promise<void> {
    if (this.#add.length + this.#remove.length === 0) return;
    const { ledger } = this.#services;
    await ledger.stage(this.#begun!.id, this.#add, this.#remove);
    this.#add = [];
    this.#remove = [];
  }

  #badLine(message: string, lineNumber = this.#lines.lineNumber): ApiProblem {
    const errors = [{ path: `line/${lineNumber}`, message }];
    return refuse('badRequest', `line ${lineNumber} ${message}`, { errors });
  }
}

/** Undefined for an encoding that is not read. */
function sourceOf({ body, request }: ApiCall): Readable | undefined {
  const stream = body as Readable;
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined) return stream;
  if (encoding.toLowerCase() !== 'gzip') return undefined;
  const gunzip = createGunzip();
  stream.once('error', (error) => gunzip.destroy(error));
  stream.once('close', () => stream.readableEnded || gunzip.destroy(new Error('the connection was closed')));
  return stream.pipe(gunzip);
}

/** Errors: throws when nothing arrives for STALL_TIMEOUT_MS, and what the stream throws. */
async function* withStallLimit(source: Readable): AsyncGenerator<Uint8Array> {
  // Why not destroyed: the answer to what was sent so far goes over the same connection.
  const chunks = source.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const stalled = Promise.withResolvers<never>();
    const timer = setTimeout(() => stalled.reject(new Error('nothing arrived any more')), STALL_TIMEOUT_MS);
    timer.unref();
    try {
      const next = await Promise.race([chunks.next(), stalled.promise]);
      if (next.done === true) return;
      yield next.value;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The rest is read and thrown away, for a while (api-plugin.ts). */
function leaveUnread({ body }: ApiCall, source: Readable): void {
  const stream = body as Readable;
  if (source !== stream) {
    stream.unpipe();
    source.destroy();
  }
  stream.resume();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
