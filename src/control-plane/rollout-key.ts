/**
 * The secret by which clients fall into the stages of a rollout: the same for the life of the node, so that who is in a
 * rollout stays in it. A file of its own in the state directory; without a directory that takes it, it lasts as long as the
 * process.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SIP_KEY_BYTES } from '../dns/sip-hash.ts';

export const ROLLOUT_KEY_FILE = 'rollout.key';

export function rolloutKey(stateDirectory: string): Uint8Array {
  const path = join(stateDirectory, ROLLOUT_KEY_FILE);
  try {
    const kept = readFileSync(path);
    if (kept.length === SIP_KEY_BYTES) return new Uint8Array(kept);
  } catch {
    // None yet, or none that can be read: a new one.
  }
  const key = new Uint8Array(randomBytes(SIP_KEY_BYTES));
  try {
    mkdirSync(stateDirectory, { recursive: true });
    writeFileSync(path, key, { mode: 0o600 });
  } catch {
    // Rollouts work without; after a restart other clients are in them.
  }
  return key;
}
