/**
 * `weir list inspect FILE`: what Weir makes of a list before it is used: format, entries, skipped lines by reason with
 * their numbers, and the entries that the guard would hold, with the protected, popular and shared names of the
 * configuration (and of the options). Nothing is changed or kept.
 */
import { Command } from 'commander';
import { describeProblems } from '../config/config-error.ts';
import { loadConfig } from '../config/load-config.ts';
import { readListFile } from '../control-plane/list-sync/format/read-list-file.ts';
import { readNames } from '../control-plane/list-sync/format/read-names.ts';
import { createGuard } from '../control-plane/list-sync/guard/create-guard.ts';
import type { Guard } from '../control-plane/list-sync/guard/guard.ts';
import { HoldsReport } from '../control-plane/list-sync/guard/holds-report.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';
import { formatsHelp, parseFormatName } from './list-format-option.ts';
import { inspectionText } from './list-inspect-text.ts';
import { listSource } from './list-source.ts';

const BAD_LINES_PERCENT_MAX = 10;

interface InspectOptions {
  readonly format: string;
  readonly json?: true;
  readonly config: string;
  readonly protected: readonly string[];
  readonly popular: readonly string[];
  readonly sharedHosts: readonly string[];
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

export function listInspectCommand(): Command {
  return new Command('inspect')
    .description('parse a list: entries, skipped lines with their numbers, entries that would be held')
    .argument('<file>', 'the list; "-" is standard input')
    .option('--format <format>', 'format to read (detected from the content)', parseFormatName, 'auto')
    .option('--json', 'for programs')
    .option('--config <file>', 'whose protected, popular and sharedHosts files to use', DEFAULT_CONFIG)
    .option('--protected <file>', 'more protected names (may be repeated)', collect, [])
    .option('--popular <file>', 'another rank list (may be repeated)', collect, [])
    .option('--shared-hosts <file>', 'more shared hosts (may be repeated)', collect, [])
    .addHelpText('after', formatsHelp())
    .action(async (file: string, options: InspectOptions) => {
      process.exitCode = await inspect(file, options);
    });
}

async function inspect(file: string, options: InspectOptions): Promise<number> {
  const outcome = loadConfig(options.config);
  if (outcome.kind === 'invalid') {
    process.stderr.write(`${describeProblems(options.config, outcome.problems)}\n`);
    return ExitCode.configuration;
  }
  const { config } = outcome;
  const guard = await guardOf({
    protected: [...config.protected, ...options.protected],
    popular: [...config.popular, ...options.popular],
    sharedHosts: [...config.sharedHosts, ...options.sharedHosts],
  });
  if (guard === undefined) return ExitCode.failure;
  const holds = new HoldsReport(guard);
  const read = await readListFile(
    listSource(file),
    {
      format: options.format,
      badLinesPercentMax: BAD_LINES_PERCENT_MAX,
      isSharedHost: (name) => guard.isSharedHost(name),
    },
    { entry: (entry, lineNumber) => void holds.look(entry, lineNumber) },
  );
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ file, ...read, holds: holds.summary() }, undefined, 2)}\n`
      : inspectionText(file, read, holds.summary()),
  );
  return read.kind === 'read' ? ExitCode.ok : ExitCode.failure;
}

interface GuardFiles {
  readonly protected: readonly string[];
  readonly popular: readonly string[];
  readonly sharedHosts: readonly string[];
}

async function guardOf(files: GuardFiles): Promise<Guard | undefined> {
  const names = { protected: [] as string[], popular: [] as string[], sharedHosts: [] as string[] };
  for (const role of ['protected', 'popular', 'sharedHosts'] as const) {
    for (const path of files[role]) {
      const outcome = await readNames(path);
      if (outcome.kind === 'refused') {
        process.stderr.write(`weir: ${path} (${role}): ${outcome.message}\n`);
        return undefined;
      }
      for (const name of outcome.names) names[role].push(name);
    }
  }
  return createGuard({
    protectedNames: names.protected,
    popularNames: names.popular,
    sharedHosts: names.sharedHosts,
    approved: [],
  });
}
