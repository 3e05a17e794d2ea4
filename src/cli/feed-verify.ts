/**
 * `weir feed verify DIR_OR_URL --key K`: believes nothing: signature, both forms of the manifest, time, and every file by
 * length, hash and content; the snapshot and the deltas behind it must come to the entries that the manifest counts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { wallClockMs } from '../clock.ts';
import { isCounted, openManifest, timeRefusal, type AcceptedManifest } from '../control-plane/feed/feed-check.ts';
import { FeedDiff } from '../control-plane/feed/feed-diff.ts';
import { readFeedLines, type FeedFileKind } from '../control-plane/feed/feed-lines.ts';
import { readFeedFile, OWN_LIMITS } from '../control-plane/feed/feed-files.ts';
import { FeedSource } from '../control-plane/feed/feed-source.ts';
import type { FeedFile } from '../control-plane/feed/manifest.ts';
import type { MinisignPublicKey } from '../control-plane/feed/minisign.ts';
import {
  MANIFEST_NAME,
  parseSigned,
  SIGNATURE_NAME,
  SIGNED_NAME,
  type SignedManifest,
} from '../control-plane/feed/signed-manifest.ts';
import { feedAddress, FeedFetch } from '../control-plane/list-sync/sources/feed-fetch.ts';
import { ExitCode } from './exit-code.ts';
import { entriesText, startProgress } from './progress.ts';
import { collectKey } from './public-key-option.ts';

const FETCH_TIMEOUT_MS = 60_000;

interface VerifyOptions {
  readonly key: readonly MinisignPublicKey[];
  readonly tokenFile: string;
  readonly ca: string;
}

/** Where the parts of a feed come from. Errors of `manifests`: throws with a sentence for people. */
interface Parts {
  manifests(): Promise<readonly SignedManifest[]>;
  read(file: FeedFile, kind: FeedFileKind, diff: FeedDiff | undefined, step: () => void): Promise<string | undefined>;
  close(): Promise<void>;
}

export function feedVerifyCommand(): Command {
  return new Command('verify')
    .description('check a feed whole: signature, time, every file, the number of entries')
    .argument('<folder-or-url>', 'a folder, or https://... (feed+https://... too)')
    .requiredOption('--key <key>', 'minisign public key, or a file with it (may be repeated)', collectKeys, [])
    .option('--token-file <file>', 'file with a bearer token for the URL', '')
    .option('--ca <file>', 'PEM file of the authorities trusted for the URL', '')
    .action(async (from: string, options: VerifyOptions) => {
      process.exitCode = await verify(from, options);
    });
}

function collectKeys(text: string, before: readonly MinisignPublicKey[]): readonly MinisignPublicKey[] {
  if (before.length >= 4) throw new InvalidArgumentError('At most four.');
  return collectKey(text, before);
}

async function verify(from: string, options: VerifyOptions): Promise<number> {
  const parts = await partsOf(from, options);
  try {
    const outcome = await verifyParts(parts, options.key);
    if (typeof outcome === 'string') {
      process.stderr.write(`weir: ${from}: ${outcome}\n`);
      return ExitCode.failure;
    }
    const { list, version, entryCount, deltas, expiresMs } = outcome.manifest;
    const expires = new Date(expiresMs).toISOString();
    process.stdout.write(
      `${list} version ${version}: ${entriesText(entryCount)}, ${deltas.length} ${deltas.length === 1 ? 'delta' : 'deltas'}, signed by ${outcome.keyId}, expires ${expires}\n`,
    );
    return ExitCode.ok;
  } finally {
    await parts.close();
  }
}

/** A text: what is wrong. */
async function verifyParts(parts: Parts, keys: readonly MinisignPublicKey[]): Promise<AcceptedManifest | string> {
  let accepted: AcceptedManifest | undefined;
  for (const signed of await parts.manifests()) {
    const opened = openManifest(signed, keys);
    if (opened.kind === 'refused') return opened.message;
    if (accepted !== undefined && accepted.sha256 !== opened.sha256)
      return `${SIGNED_NAME} and ${MANIFEST_NAME} differ`;
    accepted = opened;
  }
  if (accepted === undefined) return 'there is no manifest';
  const { manifest } = accepted;
  const refusal = timeRefusal(manifest, wallClockMs());
  if (refusal !== undefined) return refusal.message;
  const diff = new FeedDiff();
  const progress = startProgress('entries', manifest.entryCount);
  try {
    const files: readonly [FeedFile, FeedFileKind, boolean][] = [
      [manifest.snapshot, 'snapshot', true],
      ...manifest.deltas.map((file): [FeedFile, FeedFileKind, boolean] => [
        file,
        'delta',
        file.from >= manifest.snapshot.version,
      ]),
    ];
    for (const [file, kind, counts] of files) {
      const problem = await parts.read(file, kind, counts ? diff : undefined, () => progress.step());
      if (problem !== undefined) return `${file.url}: ${problem}`;
    }
    const entries = diff.count();
    if (isCounted(manifest) && entries !== manifest.entryCount)
      return `it has ${entries} entries; the manifest says ${manifest.entryCount}`;
    return accepted;
  } finally {
    progress.end();
    diff.close();
  }
}

async function partsOf(from: string, options: VerifyOptions): Promise<Parts> {
  if (!/^(feed\+)?https?:/i.test(from)) return folderParts(resolve(from));
  if (feedAddress(from) === undefined) throw new Error(`${from} is no URL of a feed: https://, or http:// on loopback`);
  const folder = await mkdtemp(join(tmpdir(), 'weir-feed-'));
  return urlParts(from, folder, options);
}

function folderParts(folder: string): Parts {
  return {
    manifests: async () => {
      const both = parseSigned(await readFile(join(folder, SIGNED_NAME)));
      if (both.kind === 'bad') throw new Error(`${SIGNED_NAME}: ${both.message}`);
      const manifest = await readFile(join(folder, MANIFEST_NAME));
      return [both.value, { manifest, signatureText: await readFile(join(folder, SIGNATURE_NAME), 'utf8') }];
    },
    read: async (file, kind, diff, step) => {
      const read = await readFeedFile(folder, file, kind, (operations) => {
        for (const operation of operations) {
          step();
          diff?.apply('after', operation);
        }
      });
      return read.kind === 'refused' ? read.message : undefined;
    },
    close: async () => undefined,
  };
}

function urlParts(url: string, folder: string, { tokenFile, ca }: VerifyOptions): Parts {
  const settings = { tokenFile, ca, clientCertificate: '', clientKey: '', proxy: '', fetchTimeoutMs: FETCH_TIMEOUT_MS };
  const source = new FeedSource(new FeedFetch({ ...settings, source: url }), folder);
  return {
    manifests: async () => {
      const fetched = await source.manifest(undefined);
      if (fetched.kind === 'failed') throw new Error(fetched.failure.message);
      return fetched.kind === 'nothingYet' ? [] : [fetched.signed];
    },
    read: async (file, kind, diff, step) => {
      const path = await source.download(file, OWN_LIMITS.bytesMax);
      if (typeof path !== 'string') return path.failure.message;
      const read = await readFeedLines(path, kind, OWN_LIMITS, (operations) => {
        for (const operation of operations) {
          step();
          diff?.apply('after', operation);
        }
      });
      return read.kind === 'refused' ? read.message : undefined;
    },
    close: async () => {
      source.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
