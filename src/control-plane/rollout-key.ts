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

/** The one that is kept there; undefined where there is none yet, or none that can be read. Makes none. */
export function keptRolloutKey(stateDirectory: string): Uint8Array | undefined {
  try {
    const kept = readFileSync(join(stateDirectory, ROLLOUT_KEY_FILE));
    return kept.length === SIP_KEY_BYTES ? new Uint8Array(kept) : undefined;
  } catch {
    return undefined;
  }
}

/** The one that is kept there, or a new one. */
export function rolloutKey(stateDirectory: string): Uint8Array {
  const kept = keptRolloutKey(stateDirectory);
  if (kept !== undefined) return kept;
  const key = new Uint8Array(randomBytes(SIP_KEY_BYTES));
  try {
    mkdirSync(stateDirectory, { recursive: true });
    writeFileSync(join(stateDirectory, ROLLOUT_KEY_FILE), key, { mode: 0o600 });
  } catch {
    // Rollouts work without; after a restart other clients are in them.
  }
  return key;
}
