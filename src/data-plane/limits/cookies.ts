/**
 * DNS cookies in the query path: what a query's COOKIE option is worth, and the option of its response. A client that
 * sends back a cookie of ours is where it says it is, so its responses hit nobody else. The recipe is
 * dns/server-cookie.ts's; which responses carry the option, finish.ts's. Allocates nothing for a query.
 * RFC 7873 5.2 to 5.4, RFC 9018.
 */
import type { Config } from '../../config/config.ts';
import { OPTION_HEADER_BYTES } from '../../dns/edns.ts';
import { EdnsOption } from '../../dns/iana.ts';
import { writeUint16 } from '../../dns/patch.ts';
import { QueryFault, type QueryView } from '../../dns/query-view.ts';
import { COOKIE_BYTES, CookieWorth, ServerCookies } from '../../dns/server-cookie.ts';

export const COOKIE_OPTION_BYTES = OPTION_HEADER_BYTES + COOKIE_BYTES;

export class Cookies {
  /** The option of the response to the query last prepared. */
  readonly option = new Uint8Array(COOKIE_OPTION_BYTES);
  #isOn = false;
  readonly #ownSecret: Uint8Array;
  #server: ServerCookies;

  /** @param ownSecret for where none is configured; every thread of a process has the same */
  constructor(limits: Config['limits'], ownSecret: Uint8Array) {
    this.#ownSecret = ownSecret;
    this.#server = this.configure(limits);
    writeUint16(this.option, 0, EdnsOption.COOKIE);
    writeUint16(this.option, 2, COOKIE_BYTES);
  }

  configure({ cookies, cookieSecrets }: Config['limits']): ServerCookies {
    this.#isOn = cookies === 'on';
    const secrets = cookieSecrets.map((secret) => Uint8Array.from(Buffer.from(secret, 'hex')));
    return (this.#server = new ServerCookies(secrets.length > 0 ? secrets : [this.#ownSecret]));
  }

  /** Whether the response to this query carries a cookie. */
  isFor(query: QueryView): boolean {
    return query.cookieStart !== 0 && this.#isOn;
  }

  /** Makes the option of the response; the query's octets are overwritten by it later. Cost: one SipHash, for few. */
  prepare(query: QueryView, client: Uint8Array, nowSeconds: number): void {
    this.#server.write(this.option, OPTION_HEADER_BYTES, query.bytes, query.cookieStart, client, nowSeconds);
  }

  /** Whether the query carries a cookie that this client got from us, or from a server with our secret. */
  isGood(query: QueryView, client: Uint8Array, nowSeconds: number): boolean {
    return this.isFor(query) && this.#worth(query, client, nowSeconds) === CookieWorth.good;
  }

  /**
   * Whether a question for nothing but a cookie brings a bad one: "In this case, the response SHALL have the RCODE
   * BADCOOKIE if the Server Cookie sent with the query was invalid" (RFC 7873 5.4).
   */
  isBadProbe(query: QueryView, client: Uint8Array, nowSeconds: number): boolean {
    const isProbe = query.fault === QueryFault.cookieOnly && this.#isOn;
    return isProbe && this.#worth(query, client, nowSeconds) === CookieWorth.bad;
  }

  #worth({ bytes, cookieStart, cookieBytes }: QueryView, client: Uint8Array, nowSeconds: number): number {
    return this.#server.check(bytes, cookieStart, cookieBytes, client, nowSeconds);
  }
}
