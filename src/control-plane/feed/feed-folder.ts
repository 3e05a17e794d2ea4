/**
 * A published feed as a folder that any web server can serve: immutable files below `files/`, and the manifest, its
 * signature, and both in one. Files are there before a manifest names them and stay while the one before does, so that
 * whoever has fetched a manifest finds what it names.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorCode } from '../list-sync/error-code.ts';
import { openManifest, refuseFeed, type AcceptedManifest, type FeedRefusal } from './feed-check.ts';
import { FILES_FOLDER, syncFile } from './feed-file-writer.ts';
import { manifestBytes, parseManifest, sha256Of, type Manifest } from './manifest.ts';
import { signDetached, type MinisignSecretKey } from './minisign-secret-key.ts';
import type { MinisignPublicKey } from './minisign.ts';
import {
  MANIFEST_NAME,
  parseSigned,
  SIGNATURE_NAME,
  SIGNED_NAME,
  signedBytes,
  signerOf,
  type SignedManifest,
} from './signed-manifest.ts';

export type FolderState =
  | { readonly kind: 'empty' }
  | AcceptedManifest
  /** It is there and cannot be gone on from: another key, or damaged. */
  | { readonly kind: 'unusable'; readonly message: string };

/**
 * The manifest that was published last. @param keys undefined: the folder is nobody else's, and what signed it before
 * does not matter (a key was replaced). Errors: throws what the file system throws.
 */
export async function readFeedFolder(
  folder: string,
  keys: readonly MinisignPublicKey[] | undefined,
): Promise<FolderState> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(folder, SIGNED_NAME));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'empty' };
    throw error;
  }
  const signed = parseSigned(bytes);
  if (signed.kind === 'bad') return { kind: 'unusable', message: `${join(folder, SIGNED_NAME)}: ${signed.message}` };
  const opened = keys === undefined ? readUnverified(signed.value) : openManifest(signed.value, keys);
  return opened.kind === 'accepted'
    ? opened
    : { kind: 'unusable', message: `${join(folder, SIGNED_NAME)}: ${opened.message}` };
}

function readUnverified(signed: SignedManifest): AcceptedManifest | FeedRefusal {
  const manifest = parseManifest(signed.manifest);
  if (manifest.kind === 'bad') return refuseFeed('feedFormat', manifest.message);
  return { kind: 'accepted', manifest: manifest.value, sha256: sha256Of(signed.manifest), keyId: signerOf(signed) };
}

/** Signs and publishes. Each of the three documents is replaced whole; `manifest.signed` first. */
export async function publishManifest(
  folder: string,
  manifest: Manifest,
  key: MinisignSecretKey,
): Promise<{ readonly sha256: string; readonly signed: Uint8Array }> {
  const bytes = manifestBytes(manifest);
  const { list, version, createdMs } = manifest;
  const comment = `timestamp:${Math.floor(createdMs / 1000)}\tfile:${MANIFEST_NAME}\tlist:${list}\tversion:${version}`;
  const signatureText = signDetached(bytes, key, comment);
  const signed = signedBytes({ signatureText, manifest: bytes });
  await mkdir(folder, { recursive: true });
  for (const [name, content] of [
    [SIGNED_NAME, signed],
    [MANIFEST_NAME, bytes],
    [SIGNATURE_NAME, Buffer.from(signatureText)],
  ] as const) {
    const temporary = join(folder, `.${name}.new`);
    await writeFile(temporary, content, { mode: 0o644 });
    await syncFile(temporary);
    await rename(temporary, join(folder, name));
  }
  await syncFile(folder);
  return { sha256: sha256Of(bytes), signed };
}

/** Removes the files that none of these manifests names. */
export async function pruneFeedFolder(folder: string, manifests: readonly Manifest[]): Promise<void> {
  const named = new Set(
    manifests.flatMap(({ snapshot, deltas }) => [snapshot, ...deltas]).map(({ url }) => basename(url)),
  );
  const files = join(folder, FILES_FOLDER);
  const found = await readdir(files).catch(() => []);
  for (const name of found) if (!named.has(name)) await rm(join(files, name), { force: true });
}
