/**
 * What the warning page makes of a request, before anything of a body is read: limits, path, host, judgement, answer.
 * Holds what the configuration says of the page; page-server.ts has the sockets.
 */
import type { IncomingMessage } from 'node:http';
import { monotonicMs } from '../../clock.ts';
import type { WarningPageConfig } from '../../config/config.ts';
import { PAGE_LANGUAGES, type PageLanguage } from '../../config/page-text-keys.ts';
import { clientOctets } from '../../policy/address.ts';
import { PageOutcomeRow, PageSchemeRow } from '../../telemetry/counter-labels.ts';
import { Counter, pageCounter } from '../../telemetry/counters.ts';
import { RateLimiter } from '../admin/rate-limiter.ts';
import type { AppealDesk } from './appeal-answer.ts';
import { appealPathOf } from './appeal-path.ts';
import { appealCall, type AppealCall } from './appeal-server.ts';
import { clientKey } from './client-key.ts';
import type { ReferenceOf } from './entry-references.ts';
import type { HostJudge } from './host-judge.ts';
import { limitedAnswer, pageAnswer, robotsAnswer } from './page-answer.ts';
import type { PageAnswer, PageQuestion } from './page-answer.ts';
import { pageLook } from './page-look.ts';
import { formOf, hostOf, languageOf, pathOf } from './request-view.ts';

/** A burst: what a browser with several tabs asks for at once. */
const BURST_SECONDS = 5;
const RATE_KEYS_MAX = 20_000;

/** The page's language for a visitor whose browser names none that it has; undefined: as for everybody. */
export type LanguageFor = (client: Uint8Array | undefined) => PageLanguage | undefined;

export interface PageRequestsOptions {
  readonly config: WarningPageConfig;
  readonly judge: HostJudge;
  readonly cells: Float64Array;
  /** Undefined: objections are not taken here. */
  readonly desk?: AppealDesk | undefined;
  readonly languageFor?: LanguageFor | undefined;
  readonly referenceOf?: ReferenceOf | undefined;
}

export class PageRequests {
  readonly #judge: HostJudge;
  readonly #cells: Float64Array;
  readonly #languageFor: LanguageFor;
  readonly #referenceOf: ReferenceOf;
  #desk: AppealDesk | undefined;
  #look: ReturnType<typeof pageLook>;
  #rate: (client: string) => boolean;

  constructor(options: PageRequestsOptions) {
    const { config, desk, judge, cells, languageFor = () => undefined, referenceOf = () => undefined } = options;
    this.#judge = judge;
    this.#cells = cells;
    this.#languageFor = languageFor;
    this.#referenceOf = referenceOf;
    this.#desk = desk;
    this.#look = pageLook(config, desk !== undefined);
    this.#rate = rateLimiterOf(config);
  }

  configure(config: WarningPageConfig, desk: AppealDesk | undefined): void {
    this.#desk = desk;
    this.#look = pageLook(config, desk !== undefined);
    this.#rate = rateLimiterOf(config);
  }

  /** The answer, at once where it can be; or what has to be asked of the desk first. */
  take(request: IncomingMessage, isEncrypted: boolean): PageAnswer | Promise<PageAnswer> | AppealCall {
    const { headers, url = '/', method, socket } = request;
    const client = clientOctets(socket.remoteAddress);
    const language = languageOf(url, headers['accept-language'], () => this.#languageFor(client));
    const scheme = isEncrypted ? PageSchemeRow.https : PageSchemeRow.http;
    this.#cells[pageCounter(scheme, PAGE_LANGUAGES.indexOf(language))]!++;
    const look = this.#look;
    const address = addressOf(socket);
    const question = {
      look,
      form: formOf(headers),
      language,
      blocked: undefined,
      blockedBy: look.blockedBy || address,
    };
    if (!this.#rate(clientKey(socket.remoteAddress))) return this.#counted('rateLimited', limitedAnswer(question));
    if (pathOf(url) === '/robots.txt') return this.#counted('robots', robotsAnswer(question));
    const host = hasOneHost(request) ? hostOf(url, headers) : undefined;
    const blocked = host === undefined ? undefined : this.#judge(host, client);
    const whole: PageQuestion = { ...question, blocked };
    const isRead = method === 'GET' || method === 'HEAD';
    const call = this.#appeal(whole, url, address, isRead);
    if (call !== undefined && (isRead || method === 'POST')) return call;
    const outcome = isRead ? (blocked === undefined ? 'notBlocked' : 'blocked') : 'methodNotAllowed';
    const allowed = call === undefined ? 'GET, HEAD' : 'GET, HEAD, POST';
    const answer = (complete: PageQuestion) => pageAnswer(complete, isRead ? undefined : allowed);
    return this.#withReference(whole, (complete) => this.#counted(outcome, answer(complete)));
  }

  /** Only what shows the reference waits for it. */
  #withReference(
    question: PageQuestion,
    answer: (question: PageQuestion) => PageAnswer,
  ): PageAnswer | Promise<PageAnswer> {
    const { blocked, form } = question;
    if (blocked === undefined || (form !== 'html' && form !== 'json')) return answer(question);
    const complete = (reference: string | undefined) => answer({ ...question, blocked: { ...blocked, reference } });
    const found = this.#referenceOf(blocked);
    return found instanceof Promise ? found.then(complete) : complete(found);
  }

  countAppeal(answer: PageAnswer): PageAnswer {
    const { status } = answer;
    return this.#counted(status === 201 ? 'appealFiled' : status < 400 ? 'appealShown' : 'appealRefused', answer);
  }

  #appeal(question: PageQuestion, url: string, address: string, isRead: boolean): AppealCall | undefined {
    const desk = this.#desk;
    const path = appealPathOf(pathOf(url));
    return desk === undefined || path === undefined
      ? undefined
      : appealCall({ ...question, desk, address }, path, isRead);
  }

  #counted(outcome: keyof typeof PageOutcomeRow, answer: PageAnswer): PageAnswer {
    this.#cells[Counter.pageOutcomes + PageOutcomeRow[outcome]]!++;
    return answer;
  }
}

/** Takes a request of a client from its bucket; always true where there is no limit. */
function rateLimiterOf({ requestsPerSecondMax }: WarningPageConfig): (client: string) => boolean {
  if (requestsPerSecondMax === 0) return () => true;
  const burst = requestsPerSecondMax * BURST_SECONDS;
  const limiter = new RateLimiter({ burst, perSecond: requestsPerSecondMax, keysMax: RATE_KEYS_MAX });
  return (client) => limiter.take(client, monotonicMs());
}

/** Several Host fields may be read as several hosts (RFC 9112 section 3.2: answer 400; here it is simply no host). */
function hasOneHost({ rawHeaders }: IncomingMessage): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === 'host') count++;
  return count <= 1;
}

/** The address that we answer at, as a URI. */
function addressOf(socket: {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}): string {
  const address = socket.localAddress ?? '127.0.0.1';
  const host = address.includes(':') ? `[${address}]` : address;
  return `http://${host}${socket.localPort === undefined || socket.localPort === 80 ? '' : `:${socket.localPort}`}/`;
}
