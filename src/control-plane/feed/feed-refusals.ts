/**
 * Why a feed's update is refused. A closed set: weir_list_sync_failures_total has it as its reason, the audit chain too.
 * What went wrong on the way (network, timeout) is no refusal; list-status.ts has those.
 */
export const FEED_REFUSALS = [
  /** Not, or not rightly, signed. */
  'feedSignature',
  /** Signed by a key that is not among the list's feedKeys. */
  'feedKey',
  /** A manifest or a file of entries that is none. */
  'feedFormat',
  /** Of another list. */
  'feedList',
  /** Past its end, or made in the future. */
  'feedExpired',
  /** Older than what is in force, or another of the same version. */
  'feedRollback',
  /** It does not follow on the manifest that was accepted before. */
  'feedChain',
  /** A file is not the one that the manifest names. */
  'feedHash',
] as const;
/** tooLarge: a file, or what it is when decompressed, is over the list's bytesMax. */
export type FeedRefusalReason = (typeof FEED_REFUSALS)[number] | 'tooLarge';

export function isFeedRefusal(reason: string): reason is FeedRefusalReason {
  return reason === 'tooLarge' || FEED_REFUSALS.some((refusal) => refusal === reason);
}
