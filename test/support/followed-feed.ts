/**
 * A feed, the server that has it and who follows it, new for each test of the file that calls followFeedInEachTest. What is
 * exported is that of the test that runs.
 */
import { afterEach, beforeEach } from 'vitest';
import type { ListConfig } from '../../src/config/config.ts';
import type { FeedStatus } from '../../src/control-plane/feed/feed-follower.ts';
import type { MinisignSecretKey } from '../../src/control-plane/feed/minisign-secret-key.ts';
import { FeedServer, FollowerHarness, newKey, TestFeed } from './feed-harness.ts';

export let key: MinisignSecretKey;
export let feed: TestFeed;
export let server: FeedServer;
export let harness: FollowerHarness;

export function followFeedInEachTest(): void {
  beforeEach(async () => {
    key = await newKey();
    feed = new TestFeed(key);
    server = await FeedServer.start(feed);
    harness = new FollowerHarness();
  });
  afterEach(async () => {
    await harness.remove();
    await server.close();
    feed.remove();
  });
}

/** One turn of a follower of its own. `list`: what of its configuration is not as usual. */
export async function turn(list: Partial<ListConfig> = {}): Promise<FeedStatus> {
  return harness.turn(server.source, { feedKeys: [key.publicKey.text], ...list });
}

/** What is in the follower's ledger, in order. */
export function names(): string[] {
  return [...harness.ledger.names].sort();
}
