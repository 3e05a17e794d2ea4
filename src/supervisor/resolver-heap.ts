/**
 * How large the heap of a resolver thread may become. Two things hang on it: a thread that gains memory without end dies
 * alone, and V8 collects sooner where there is a limit below two gigabytes: with none it lets a heap grow to several times
 * what is kept before it looks.
 */
import type { Config } from '../config/config.ts';
import { YOUNG_MEGABYTES_MAX } from './supervised-thread.ts';

const MEGABYTE = 1024 * 1024;
/** Code, compiled lists' headers, buffers: 22 MB are kept by a thread that has just begun. */
const BASE_BYTES = 128 * MEGABYTE;
/** Of what the cache counts: a quarter lies in the heap, and four times that while its Map grows and old ones wait to be collected. */
const CACHE_FACTOR = 1;
const WAITING_QUERY_BYTES = 4096;
/** Of the heap alone; OpenSSL's part of a connection lies outside. */
const CONNECTION_BYTES = 32 * 1024;
const LEAST_MEGABYTES = 1536;
/**
 * Of the young generation where requests come by HTTP. Why more: each is a stream with some dozen objects of Node's, which
 * with 6 MB are often copied before they die: 53 to 55 us a query, against 45 to 47.
 */
const YOUNG_MEGABYTES_DOH = 24;

/** Units: octets, if everything that is bounded is at its bound. */
function needOf({ cache, upstreamQueries, tcp, tls }: Config): number {
  return (
    BASE_BYTES +
    cache.bytesMax * CACHE_FACTOR +
    upstreamQueries.outstandingMax * WAITING_QUERY_BYTES +
    (tcp.connectionsMax + tls.connectionsMax) * CONNECTION_BYTES
  );
}

/** For a thread that starts with this configuration. Units: megabytes. */
export function resolverHeapMegabytes(config: Config): number {
  return Math.max(LEAST_MEGABYTES, Math.ceil(needOf(config) / MEGABYTE));
}

/** Likewise of the young generation. */
export function resolverYoungMegabytes({ listen }: Pick<Config, 'listen'>): number {
  return listen.doh.length > 0 ? YOUNG_MEGABYTES_DOH : YOUNG_MEGABYTES_MAX;
}

/** Whether threads that started with `before`, or came to it by reloads, have room for `after`. */
export function hasRoomFor(before: Config, after: Config): boolean {
  return needOf(after) <= Math.max(LEAST_MEGABYTES * MEGABYTE, needOf(before));
}
