/**
 * Whether a manifest may be believed: signature, key, list, time, version and chain, in this order, so that nothing of a
 * document counts before its signature does. Pure but for the arithmetic of the keys; what was accepted before is handed
 * in. The refusals are a closed set: metric label, audit record and status have them.
 */
import type { FeedRefusalReason } from './feed-refusals.ts';
import { parseManifest, sha256Of, type Manifest } from './manifest.ts';
import { parseSignature, verifySignature, type MinisignPublicKey } from './minisign.ts';
import type { SignedManifest } from './signed-manifest.ts';

/** A publisher's clock may be ahead of ours by so much. */
export const CREATED_SKEW_MS = 300_000;

export interface FeedRefusal {
  readonly kind: 'refused';
  readonly reason: FeedRefusalReason;
  /** For people. */
  readonly message: string;
}

/** What is in force here. */
export interface HeldVersion {
  /** 0: nothing. */
  readonly version: number;
  /** Undefined where only the version is known. */
  readonly manifest: { readonly sha256: string; readonly value: Manifest } | undefined;
}

export interface AcceptedManifest {
  readonly kind: 'accepted';
  readonly manifest: Manifest;
  readonly sha256: string;
  readonly keyId: string;
}

export function refuseFeed(reason: FeedRefusalReason, message: string): FeedRefusal {
  return { kind: 'refused', reason, message };
}

/** Signature and form only: what `weir feed verify` and a publisher's own restart need. */
export function openManifest(
  signed: SignedManifest,
  keys: readonly MinisignPublicKey[],
): AcceptedManifest | FeedRefusal {
  const signature = parseSignature(signed.signatureText);
  if (signature.kind === 'bad')
    return refuseFeed('feedSignature', `the signature cannot be read: ${signature.message}`);
  const verified = verifySignature(signed.manifest, signature.value, keys);
  if (verified.kind === 'unknownKey') {
    return refuseFeed('feedKey', `the manifest is signed by the key ${verified.keyId}, which is none of the list's`);
  }
  if (verified.kind === 'bad') return refuseFeed('feedSignature', `the signature is wrong: ${verified.message}`);
  const manifest = parseManifest(signed.manifest);
  if (manifest.kind === 'bad') return refuseFeed('feedFormat', `the manifest cannot be read: ${manifest.message}`);
  return { kind: 'accepted', manifest: manifest.value, sha256: sha256Of(signed.manifest), keyId: verified.keyId };
}

export function checkManifest(
  signed: SignedManifest,
  keys: readonly MinisignPublicKey[],
  list: string,
  held: HeldVersion,
  nowMs: number,
): AcceptedManifest | FeedRefusal {
  const opened = openManifest(signed, keys);
  if (opened.kind === 'refused') return opened;
  const { manifest } = opened;
  if (manifest.list !== list) {
    return refuseFeed('feedList', `the manifest is of the list ${manifest.list}, not of ${list}`);
  }
  return timeRefusal(manifest, nowMs) ?? versionRefusal(opened, held) ?? opened;
}

export function timeRefusal({ createdMs, expiresMs }: Manifest, nowMs: number): FeedRefusal | undefined {
  if (expiresMs <= nowMs) {
    return refuseFeed('feedExpired', `the manifest has expired: ${new Date(expiresMs).toISOString()}`);
  }
  if (createdMs <= nowMs + CREATED_SKEW_MS) return undefined;
  return refuseFeed('feedExpired', `the manifest was made in the future: ${new Date(createdMs).toISOString()}`);
}

function versionRefusal({ manifest, sha256 }: AcceptedManifest, held: HeldVersion): FeedRefusal | undefined {
  const { version, previousVersion, previousSha256, previousContentSha256, contentSha256, createdMs } = manifest;
  if (version < held.version) {
    return refuseFeed('feedRollback', `the manifest is of version ${version}; ${held.version} is in force`);
  }
  const before = held.manifest;
  if (before === undefined) return undefined;
  if (version === held.version) {
    // Why not by the hash alone: a version is signed anew before it expires.
    const isSame = sha256 === before.sha256 || contentSha256 === before.value.contentSha256;
    if (!isSame)
      return refuseFeed('feedRollback', `the manifest is another of version ${version} than the one in force`);
    if (createdMs >= before.value.createdMs) return undefined;
    return refuseFeed('feedRollback', `the manifest of version ${version} is older than the one accepted before`);
  }
  const isNext = previousSha256 === before.sha256 || previousContentSha256 === before.value.contentSha256;
  if (previousVersion !== held.version || isNext) return undefined;
  return refuseFeed(
    'feedChain',
    `the manifest of version ${version} does not follow on the one of ${held.version} here`,
  );
}

/**
 * Whether the files have as many entries as the manifest says. Why not otherwise: a node counts those that expired since
 * its snapshot was made, too.
 */
export function isCounted({ snapshot, version }: Manifest): boolean {
  return snapshot.version === version;
}
