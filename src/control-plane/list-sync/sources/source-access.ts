/**
 * The connections that a list or a feed is fetched over: to the authorities that it trusts, with the client certificate
 * and the token that it shows, through its proxy. Reads the files before each fetch, so that one that changes counts from
 * the next. Token and certificate go to the list's own origin and nowhere else; the connections obey the guard.
 *
 * Behind a proxy the names are resolved by the proxy. A name that a redirect leads to is resolved here as well, and
 * refused where all its addresses are in this network; what only the proxy can resolve is the proxy's to refuse.
 * RFC 9110 9.3.6 (CONNECT), RFC 6750 2.1 (bearer tokens).
 */
import type { Dispatcher } from 'undici';
import { readAccessFiles, type AccessFiles, type AccessSettings } from '../../../config/source-access.ts';
import type { RedirectGuard } from './redirect-guard.ts';

export const CONNECT_TIMEOUT_MS = 10_000;
export const HEADER_BYTES_MAX = 32 * 1024;
/** Code of the error where one of the files cannot be used. */
export const UNUSABLE_ACCESS = 'ERR_UNUSABLE_ACCESS';

/** For one fetch. */
export interface OpenedAccess {
  /** Errors: INTERNAL_TARGET. */
  readonly dispatcherFor: (url: URL) => Promise<Dispatcher>;
  readonly headersFor: (url: URL) => Readonly<Record<string, string>>;
}

export class SourceAccess {
  readonly #settings: AccessSettings;
  readonly #origin: string;
  readonly #guard: RedirectGuard;
  #files: AccessFiles | undefined;
  #own: Promise<Dispatcher> | undefined;
  #others: Promise<Dispatcher> | undefined;

  /** `address`: of the list; what it is fetched with goes to no other origin. */
  constructor(settings: AccessSettings, address: URL, guard: RedirectGuard) {
    this.#settings = settings;
    this.#origin = address.origin;
    this.#guard = guard;
  }

  /** Errors: UNUSABLE_ACCESS, with a sentence that shows nothing of what is in the files. */
  open(): OpenedAccess {
    const outcome = readAccessFiles(this.#settings);
    if (outcome.kind === 'bad') {
      throw Object.assign(new Error(`${outcome.key}: ${outcome.message}`), { code: UNUSABLE_ACCESS });
    }
    const { files } = outcome;
    if (!isSameTls(files, this.#files)) this.#drop((dispatcher) => dispatcher.close());
    this.#files = files;
    return {
      dispatcherFor: (url) => this.#dispatcherFor(url, files),
      headersFor: ({ origin }) =>
        files.token === undefined || origin !== this.#origin ? {} : { authorization: `Bearer ${files.token}` },
    };
  }

  /** Ends what is on its way. */
  close(): void {
    this.#drop((dispatcher) => dispatcher.destroy());
  }

  async #dispatcherFor(url: URL, files: AccessFiles): Promise<Dispatcher> {
    if (this.#settings.proxy !== '') await this.#guard.checkBehindProxy(url);
    if (url.origin === this.#origin) return (this.#own ??= this.#connections(files));
    return (this.#others ??= this.#connections({ ...files, certificate: undefined, key: undefined }));
  }

  async #connections({ ca, certificate, key }: AccessFiles): Promise<Dispatcher> {
    // Why here: it takes 20 MB, which who has no list behind a URL need not spend.
    const { Agent, ProxyAgent } = await import('undici');
    const tls = {
      ...(ca !== undefined && { ca }),
      ...(certificate !== undefined && { cert: certificate }),
      ...(key !== undefined && { key }),
    };
    const limits = { connections: 1, maxHeaderSize: HEADER_BYTES_MAX };
    const { proxy } = this.#settings;
    if (proxy === '') {
      return new Agent({ ...limits, connect: { ...tls, timeout: CONNECT_TIMEOUT_MS, lookup: this.#guard.lookup } });
    }
    return new ProxyAgent({ ...limits, uri: proxy, connectTimeout: CONNECT_TIMEOUT_MS, requestTls: tls });
  }

  #drop(end: (dispatcher: Dispatcher) => Promise<void>): void {
    for (const dispatcher of [this.#own, this.#others]) void dispatcher?.then(end).catch(() => undefined);
    this.#own = undefined;
    this.#others = undefined;
  }
}

function isSameTls(files: AccessFiles, before: AccessFiles | undefined): boolean {
  if (before === undefined) return true;
  return files.ca === before.ca && files.certificate === before.certificate && files.key === before.key;
}
