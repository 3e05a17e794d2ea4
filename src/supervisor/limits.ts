/** How long the supervisor waits, and what a thread may use before it counts as broken. Units: in the names. */

/** Queries are served without lists rather than not at all when the control plane cannot publish any. */
export const SERVE_WITHOUT_LISTS_AFTER_DEATHS = 3;
export const SERVE_WITHOUT_LISTS_AFTER_MS = 300_000;
export const CONTROL_HEAP_MEGABYTES_MAX = 1_024;
export const PAGE_HEAP_MEGABYTES_MAX = 256;
export const CONTROL_SILENCE_MS_MAX = 10_000;
export const PAGE_SILENCE_MS_MAX = 5_000;
export const RESOLVER_SILENCE_MS_MAX = 5_000;
export const EVENTS_HEAP_MEGABYTES_MAX = 128;
/** A disk that hangs holds up this thread and no other. */
export const EVENTS_SILENCE_MS_MAX = 60_000;
/** Beyond the configured time for draining: for the threads to say that they are done. */
export const STOP_GRACE_MS = 1_000;
/** The same, and for connections to find another process (resolver-thread.ts). */
export const LEAVE_GRACE_MS = 3_000;
