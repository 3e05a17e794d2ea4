/**
 * Fetches the file by which an owner shows control of a name: over HTTPS, then over HTTP, from an address that the
 * upstreams say and that is of the public internet. The server is a stranger's, and may be a fraudster's: no redirect is
 * followed, a few octets are read, nothing of it is kept or logged. RFC 8615 (.well-known), RFC 6890.
 */
import { request as httpRequest, type ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { USER_AGENT } from '../list-sync/sources/guarded-request.ts';

const PROOF_PATH = '/.well-known/weir-appeal';
export const FILE_BYTES_MAX = 512;
/** Units: milliseconds; of one attempt, from the connection to the last octet. */
const FILE_TIMEOUT_MS = 3_000;

export interface FileTarget {
  readonly name: string;
  readonly address: string;
  /** For tests; the ports of the two protocols otherwise. */
  readonly ports?: { readonly https: number; readonly http: number };
}

/** The text of the file; undefined: there is none. Errors: none. */
export async function fetchProofFile({ name, address, ports }: FileTarget): Promise<string | undefined> {
  const { https, http } = ports ?? { https: 443, http: 80 };
  const headers = { host: name, 'user-agent': USER_AGENT, accept: 'text/plain' };
  const common = { host: address, path: PROOF_PATH, headers, agent: false, maxHeaderSize: 8 * 1024 } as const;
  return (
    (await textOf(httpsRequest({ ...common, port: https, servername: name }))) ??
    (await textOf(httpRequest({ ...common, port: http })))
  );
}

async function textOf(request: ClientRequest): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve(undefined), FILE_TIMEOUT_MS);
  request.once('error', () => resolve(undefined));
  request.once('response', (response) => {
    if (response.statusCode !== 200) return resolve(undefined);
    const pieces: Buffer[] = [];
    let bytes = 0;
    response.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > FILE_BYTES_MAX) resolve(undefined);
      else pieces.push(piece);
    });
    response.once('error', () => resolve(undefined));
    response.once('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
    return undefined;
  });
  request.end();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    request.on('error', () => undefined);
    request.destroy();
  }
}
