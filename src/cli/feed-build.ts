/**
 * `weir feed build LIST_FILE`: the next version of a feed in a folder that any web server can serve: a snapshot, a delta
 * from the version before, a signed manifest. Files come first, then the manifest. A list that says the same as before
 * keeps its version and is signed anew: run it by a timer, and the feed does not expire.
 */
import { Command } from 'commander';
import { wallClockMs } from '../clock.ts';
import type { AcceptedManifest } from '../control-plane/feed/feed-check.ts';
import { FeedDiff } from '../control-plane/feed/feed-diff.ts';
import { writeFeedFile } from '../control-plane/feed/feed-file-writer.ts';
import { readFeedFile } from '../control-plane/feed/feed-files.ts';
import { publishManifest, pruneFeedFolder, readFeedFolder } from '../control-plane/feed/feed-folder.ts';
import type { MinisignSecretKey } from '../control-plane/feed/minisign-secret-key.ts';
import type { MinisignPublicKey } from '../control-plane/feed/minisign.ts';
import { nextManifest, renewedManifest } from '../control-plane/feed/next-manifest.ts';
import type { Manifest } from '../control-plane/feed/manifest.ts';
import { openSecretKey } from '../control-plane/feed/secret-key-file.ts';
import type { ListEntry } from '../control-plane/list-sync/format/list-format.ts';
import { readListFile } from '../control-plane/list-sync/format/read-list-file.ts';
import type { ProposedEntry } from '../control-plane/ledger/ledger.ts';
import { ExitCode } from './exit-code.ts';
import { formatsHelp, parseFormatName } from './list-format-option.ts';
import { listSource } from './list-source.ts';
import { listNameOf, wholeNumberIn } from './option-values.ts';
import { counted, entriesText, startProgress } from './progress.ts';
import { collectKey } from './public-key-option.ts';

const DAY_MS = 86_400_000;
const EXPIRES_DAYS_MAX = 3650;
const DELTAS_KEPT = 100;
const DELTAS_KEPT_MAX = 1000;
const BAD_LINES_PERCENT_MAX = 10;
/** A delta with more lines is not worth its bytes: who follows takes the snapshot. */
const DELTA_LINES_MAX = 200_000;

interface BuildOptions {
  readonly list: string;
  readonly out: string;
  readonly secretKey: string;
  readonly passwordFile?: string;
  readonly previousKey: readonly MinisignPublicKey[];
  readonly expiresDays: number;
  readonly deltasMax: number;
  readonly format: string;
}

export function feedBuildCommand(): Command {
  return new Command('build')
    .description('publish the next version of a list as a signed feed in a folder')
    .argument('<file>', 'the list in any format; "-" is standard input')
    .requiredOption('--list <name>', 'name of the list, as those who follow have it', listNameOf)
    .requiredOption('--out <folder>', 'the folder to serve')
    .requiredOption('--secret-key <file>', 'minisign secret key')
    .option('--password-file <file>', 'file with its password')
    .option('--previous-key <key>', 'public key that signed the folder until now, if it was another', collectKey, [])
    .option(
      '--expires-days <n>',
      'after which the feed is not believed any more',
      wholeNumberIn(1, EXPIRES_DAYS_MAX),
      30,
    )
    .option('--deltas-max <n>', 'deltas kept', wholeNumberIn(0, DELTAS_KEPT_MAX), DELTAS_KEPT)
    .option('--format <format>', 'format to read (detected from the content)', parseFormatName, 'auto')
    .addHelpText('after', formatsHelp())
    .action(async (file: string, options: BuildOptions) => {
      process.exitCode = await build(file, options);
    });
}

async function build(file: string, options: BuildOptions): Promise<number> {
  const key = await openSecretKey(options.secretKey, options.passwordFile);
  if (key.kind === 'bad') return fail(key.message);
  const before = await readFeedFolder(options.out, [key.value.publicKey, ...options.previousKey]);
  if (before.kind === 'unusable') return fail(`${before.message}; --previous-key names the key that signed it`);
  const accepted = before.kind === 'accepted' ? before : undefined;
  if (accepted !== undefined && accepted.manifest.list !== options.list) {
    return fail(`${options.out} is the feed of the list ${accepted.manifest.list}`);
  }
  const diff = new FeedDiff();
  try {
    const problem =
      (await readNewList(file, options.format, diff)) ?? (await readPublished(options.out, accepted, diff));
    if (problem !== undefined) return fail(problem);
    return await publish(diff, accepted, key.value, options);
  } finally {
    diff.close();
  }
}

async function publish(
  diff: FeedDiff,
  before: AcceptedManifest | undefined,
  key: MinisignSecretKey,
  options: BuildOptions,
): Promise<number> {
  const { out, list, deltasMax } = options;
  const lifetimeMs = options.expiresDays * DAY_MS;
  const changes = before === undefined ? 0 : countOf(diff.deltaLines());
  const isSame = before !== undefined && changes === 0;
  const manifest = isSame
    ? renewedManifest(before.manifest, wallClockMs(), lifetimeMs)
    : await writeVersion(diff, before, changes);
  await publishManifest(out, manifest, key);
  await pruneFeedFolder(out, before === undefined ? [manifest] : [manifest, before.manifest]);
  report(manifest, isSame, changes);
  return ExitCode.ok;

  async function writeVersion(from: FeedDiff, last: AcceptedManifest | undefined, lines: number): Promise<Manifest> {
    const version = (last?.manifest.version ?? 0) + 1;
    const entryCount = from.count();
    const snapshotBar = startProgress('snapshot', entryCount);
    const snapshot = await writeFeedFile(out, `snapshot-${version}`, counted(from.snapshotLines(), snapshotBar));
    const hasDelta = last !== undefined && lines <= DELTA_LINES_MAX && deltasMax > 0;
    const deltaBar = startProgress('delta', lines);
    const delta = hasDelta
      ? await writeFeedFile(out, `delta-${version - 1}-${version}`, counted(from.deltaLines(), deltaBar))
      : undefined;
    return nextManifest(last, {
      list,
      version,
      entryCount,
      nowMs: wallClockMs(),
      lifetimeMs,
      snapshot,
      delta,
      deltasMax,
    });
  }
}

/** Returns what is wrong with it. */
async function readNewList(file: string, format: string, diff: FeedDiff): Promise<string | undefined> {
  let exceptions = 0;
  const read = await readListFile(
    listSource(file),
    { format, badLinesPercentMax: BAD_LINES_PERCENT_MAX },
    {
      entry: (entry) => {
        if (entry.kind === 'exception') exceptions += 1;
        else diff.add('after', proposedOf(entry));
      },
    },
  );
  if (read.kind === 'refused') return `${file}: ${read.message}`;
  const skipped = Object.entries(read.report.skippedByReason).map(([reason, count]) => `${reason} ${count}`);
  if (skipped.length > 0) process.stderr.write(`lines skipped: ${skipped.join(', ')}\n`);
  if (exceptions > 0) process.stderr.write(`${exceptions} exceptions left out: a feed only blocks\n`);
  return undefined;
}

async function readPublished(
  folder: string,
  before: AcceptedManifest | undefined,
  diff: FeedDiff,
): Promise<string | undefined> {
  if (before === undefined) return undefined;
  const { snapshot, deltas, entryCount } = before.manifest;
  const progress = startProgress('the version before', entryCount);
  const files = [snapshot, ...deltas.filter(({ from }) => from >= snapshot.version)];
  for (const part of files) {
    const kind = part === snapshot ? 'snapshot' : 'delta';
    const read = await readFeedFile(folder, part, kind, (operations) => {
      for (const operation of operations) {
        progress.step();
        diff.apply('before', operation);
      }
    });
    if (read.kind === 'refused') return `${folder}/${part.url}: ${read.message}`;
  }
  progress.end();
  return undefined;
}

function proposedOf({ name, scope, category, expiresAtSeconds, provenance }: ListEntry): ProposedEntry {
  const word = provenance?.categoryWord ?? category;
  return {
    name,
    scope,
    ...(word === undefined ? {} : { category: word }),
    ...(provenance?.reference === undefined ? {} : { reference: provenance.reference }),
    ...(expiresAtSeconds === undefined ? {} : { expiresAt: new Date(expiresAtSeconds * 1000).toISOString() }),
    ...(provenance?.note === undefined ? {} : { note: provenance.note }),
  };
}

function report(manifest: Manifest, isSame: boolean, changes: number): void {
  const { list, version, entryCount, previousVersion, expiresMs } = manifest;
  const what = isSame
    ? 'unchanged, signed anew'
    : previousVersion === 0
      ? 'the first'
      : `${changes} ${changes === 1 ? 'change' : 'changes'}`;
  const expires = new Date(expiresMs).toISOString();
  process.stdout.write(`${list} version ${version}: ${entriesText(entryCount)}, ${what}; expires ${expires}\n`);
}

function countOf(lines: Iterable<string>): number {
  let count = 0;
  for (const _line of lines) count += 1;
  return count;
}

function fail(message: string): number {
  process.stderr.write(`weir: ${message}\n`);
  return ExitCode.failure;
}
