/**
 * Who is asking: the checks before any route under /v1. Nothing of the request but its header has been read then. A token
 * that is refused is never named, and nothing of it is logged. RFC 6750 (bearer tokens), RFC 9110 section 11.
 *
 * Host and Origin -> failures of this address -> Authorization -> Ledger.authenticate -> actor, or a problem
 */
import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { monotonicMs } from '../../clock.ts';
import type { Actor, Ledger } from '../ledger/ledger.ts';
import { refuse, type ApiProblem } from './api-route.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Failed authentications of one IPv4 address or IPv6 /64. Beyond them it waits, with a good token too. */
export const FAILURES = { burst: 30, perSecond: 0.5, keysMax: 10_000 } as const;
const CREDENTIALS = /^Bearer +([A-Za-z0-9._~+/-]{1,512}=*) *$/i;
const CHALLENGE = 'Bearer realm="weir"';

export const AUTHENTICATION_FAILURES = ['missing', 'invalid', 'limited', 'browser'] as const;
export type AuthenticationFailure = (typeof AUTHENTICATION_FAILURES)[number];

export type Authenticated = { readonly kind: 'actor'; readonly actor: Actor } | ApiProblem;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export class Authentication {
  readonly #ledger: Pick<Ledger, 'authenticate'>;
  readonly #failures = new RateLimiter(FAILURES);
  readonly #onFailure: (failure: AuthenticationFailure) => void;

  constructor(ledger: Pick<Ledger, 'authenticate'>, onFailure: (failure: AuthenticationFailure) => void) {
    this.#ledger = ledger;
    this.#onFailure = onFailure;
  }

  async authenticate(request: FastifyRequest): Promise<Authenticated> {
    const browser = refuseBrowser(request);
    if (browser !== undefined) return this.#fail('browser', browser);
    const address = addressKey(request.ip);
    if (!this.#failures.has(address, monotonicMs())) {
      const seconds = this.#failures.waitSeconds(address, monotonicMs());
      return this.#fail('limited', tooMany(seconds));
    }
    const { authorization } = request.headers;
    const token = authorization === undefined ? undefined : CREDENTIALS.exec(authorization)?.[1];
    if (token === undefined) {
      this.#failures.take(address, monotonicMs());
      return this.#fail('missing', unauthenticated(CHALLENGE, 'Send Authorization: Bearer and the token.'));
    }
    const actor = await this.#ledger.authenticate(token);
    if (actor !== undefined) return { kind: 'actor', actor };
    this.#failures.take(address, monotonicMs());
    const text = 'The token is unknown, revoked, or past its end.';
    return this.#fail('invalid', unauthenticated(`${CHALLENGE}, error="invalid_token"`, text));
  }

  #fail(failure: AuthenticationFailure, answer: ApiProblem): Authenticated {
    this.#onFailure(failure);
    return answer;
  }
}

/**
 * Why: a page in a browser can reach what listens on loopback, by the address or by a name of its own that leads there
 * (DNS rebinding). No page has a use for this interface.
 */
function refuseBrowser(request: FastifyRequest): ApiProblem | undefined {
  const { origin, host } = request.headers;
  if (origin !== undefined || request.headers['sec-fetch-site'] !== undefined) {
    return refuse('originRefused', 'The request comes from a page: it has an Origin or Sec-Fetch-Site field.');
  }
  if (!isLoopback(request.socket.localAddress ?? '') || isOwnHost(host ?? '')) return undefined;
  return refuse('hostRefused', 'On a loopback address, Host is an IP address or localhost; a proxy in front sets it.');
}

function isOwnHost(host: string): boolean {
  const name = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return isIP(name) !== 0 || /^([a-z0-9-]+\.)*localhost\.?$/i.test(name);
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  const family = isIP(plain);
  return family !== 0 && loopback.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whoever has one address of an IPv6 network has its /64. */
function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:/i, '').replace(/%.*$/, '');
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')];
  return all.slice(0, 4).join(':');
}

function unauthenticated(challenge: string, detail: string): ApiProblem {
  return refuse('unauthenticated', detail, undefined, { 'WWW-Authenticate': challenge });
}

function tooMany(seconds: number): ApiProblem {
  return refuse('tooManyFailures', `Try again in ${seconds} s.`, undefined, { 'Retry-After': String(seconds) });
}
