/**
 * How large the heap of a resolver thread may become. Two things hang on it: a thread that gains memory without end dies
 * alone, and V8 collects sooner where there is a limit below two gigabytes: with none it lets a heap grow to several times
 * what is kept before it looks.
 */
import type { Config } from '../config/config.ts';

const MEGABYTE = 1024 * 1024;
/** Code, compiled lists' headers, buffers: 22 MB are kept by a thread that has just begun. */
const BASE_BYTES = 128 * MEGABYTE;
/** Of what the cache counts, with a copy that has not been collected yet. */
const CACHE_FACTOR = 2;
const WAITING_QUERY_BYTES = 4096;
/** Of the heap alone; OpenSSL's part of a connection lies outside. */
const CONNECTION_BYTES = 32 * 1024;
const LEAST_MEGABYTES = 1536;

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

/** Whether threads that started with `before`, or came to it by reloads, have room for `after`. */
export function hasRoomFor(before: Config, after: Config): boolean {
  return needOf(after) <= Math.max(LEAST_MEGABYTES * MEGABYTE, needOf(before));
}
