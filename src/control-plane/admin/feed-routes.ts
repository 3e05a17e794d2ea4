/**
 * The push lists of this node as signed feeds: what `weir feed build` puts into a folder, below /v1/feeds/NAME/. A request
 * for manifest.signed may wait for a version after the one it names: who follows has it as soon as it is in force here.
 * What is served is signed; the token says who may follow, not what is believed.
 */
import type { FastifyRequest } from 'fastify';
import type { FeedPublisher } from '../feed/feed-publisher.ts';
import { MANIFEST_NAME, SIGNATURE_NAME, SIGNED_NAME } from '../feed/signed-manifest.ts';
import { WAIT_HEADER } from '../list-sync/sources/feed-fetch.ts';
import { allows, forbidden, refuse, type ApiAnswer, type ApiCall, type ApiRoute } from './api-route.ts';

const FEED_RIGHTS = ['read'] as const;
const VERSION_MAX = Number.MAX_SAFE_INTEGER;
const WAIT_SECONDS_MAX = 600;
const BINARY_TYPE = 'application/octet-stream';
/** Octets as they are (OpenAPI 3.1: no schema but the media type). */
const octets = {} as const;

/** @param publisher of the configuration in use; undefined while there is none */
export function feedRoutes(publisher: () => FeedPublisher | undefined): ApiRoute[] {
  const common = {
    method: 'GET',
    rights: FEED_RIGHTS,
    answer: octets,
    answerType: BINARY_TYPE,
    problems: ['notFound'],
  } as const;
  const document = (name: string, operationId: string, summary: string, contentType: string): ApiRoute => ({
    ...common,
    url: `/v1/feeds/:name/${name}`,
    operationId,
    summary,
    answerType: contentType,
    handle: (call) =>
      guarded(call, publisher(), async (feeds, list) => {
        const body = await feeds.document(list, name);
        return body === undefined ? nothing(call, feeds) : { kind: 'ok', body, contentType };
      }),
  });
  return [
    {
      ...common,
      url: `/v1/feeds/:name/${SIGNED_NAME}`,
      operationId: 'getSignedManifest',
      summary: 'The newest manifest of a feed behind its signature; waits for one where asked to',
      query: {
        after: { type: 'integer', description: 'a version: wait for one after it', maximum: VERSION_MAX, default: 0 },
        wait: { type: 'integer', description: 'seconds, at the most', maximum: WAIT_SECONDS_MAX, default: 0 },
      },
      handle: (call) => guarded(call, publisher(), (feeds, list) => signedManifest(call, feeds, list)),
    },
    document(MANIFEST_NAME, 'getManifest', 'The newest manifest of a feed', 'application/json'),
    document(SIGNATURE_NAME, 'getManifestSignature', 'Its minisign signature', 'text/plain'),
    {
      ...common,
      url: '/v1/feeds/:name/files/:file',
      operationId: 'getFeedFile',
      summary: 'A snapshot or delta that the manifest names; it never changes',
      handle: (call) =>
        guarded(call, publisher(), async (feeds, list) => {
          const body = feeds.file(list, call.params['file'] ?? '');
          return body === undefined
            ? refuse('notFound', 'The manifest names no such file.')
            : { kind: 'ok', body, contentType: BINARY_TYPE };
        }),
    },
  ];
}

async function guarded(
  { actor, params }: ApiCall,
  feeds: FeedPublisher | undefined,
  serve: (feeds: FeedPublisher, list: string) => Promise<ApiAnswer>,
): Promise<ApiAnswer> {
  const list = params['name'] ?? '';
  if (!allows(actor, FEED_RIGHTS, list)) return forbidden(FEED_RIGHTS, list);
  return feeds === undefined ? refuse('notFound', 'No list is published as a feed here.') : serve(feeds, list);
}

async function signedManifest(call: ApiCall, feeds: FeedPublisher, list: string): Promise<ApiAnswer> {
  const after = Number(call.query['after'] ?? 0);
  const waitSeconds = Math.min(Number(call.query['wait'] ?? 0), feeds.waitSecondsMax);
  const found = await waited(call.request, (gone) => feeds.manifest(list, after, waitSeconds, gone));
  if (found.kind === 'unknown') return refuse('notFound', `The list ${list} is not published as a feed.`);
  if (found.kind === 'nothingYet') return nothing(call, feeds);
  call.reply.header(WAIT_HEADER, String(feeds.waitSecondsMax));
  return { kind: 'ok', body: found.signed, contentType: BINARY_TYPE };
}

/** Why with the header: who follows waits for the first version as for any other. */
function nothing(call: ApiCall, feeds: FeedPublisher): ApiAnswer {
  call.reply.header(WAIT_HEADER, String(feeds.waitSecondsMax));
  return refuse('notFound', 'The feed has no version yet.');
}

/** The end of the connection is the end of the waiting. */
async function waited<T>({ raw: { socket } }: FastifyRequest, work: (gone: AbortSignal) => Promise<T>): Promise<T> {
  const gone = new AbortController();
  const abort = (): void => gone.abort();
  socket.once('close', abort);
  try {
    return await work(gone.signal);
  } finally {
    // Why: the next requests of who follows come over the same connection.
    socket.off('close', abort);
  }
}
