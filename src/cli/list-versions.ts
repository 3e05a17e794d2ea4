/** `weir list versions LIST`: what a push list or feed was changed by, newest first, through the admin API. */
import { Command } from 'commander';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { ExitCode } from './exit-code.ts';
import { listNameOf, wholeNumberIn } from './option-values.ts';
import { fieldText, textTable } from './terminal-text.ts';

const VERSIONS_MAX = 1_000;

interface VersionsFlags extends ApiFlags {
  readonly limit: number;
}

export function listVersionsCommand(): Command {
  const command = new Command('versions')
    .description('show the versions of a push list or feed, newest first')
    .argument('<list>', 'name of the list', listNameOf)
    .option('--limit <n>', 'at most so many', wholeNumberIn(1, VERSIONS_MAX), 20);
  return withApiOptions(command).action(async (list: string, flags: VersionsFlags) => {
    process.exitCode = await showVersions(list, flags);
  });
}

async function showVersions(list: string, flags: VersionsFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const path = `v1/lists/${encodeURIComponent(list)}/versions?limit=${flags.limit}`;
  const outcome = await client.send({ method: 'GET', path, repeat: 'safe' });
  if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
  const { versions = [] } = outcome.body as { versions?: readonly Record<string, unknown>[] };
  process.stdout.write(flags.json === true ? `${JSON.stringify(versions, undefined, 2)}\n` : tableOf(list, versions));
  return ExitCode.ok;
}

function tableOf(list: string, versions: readonly Record<string, unknown>[]): string {
  if (versions.length === 0) return `${list} has no version yet\n`;
  const fields = ['version', 'createdAt', 'origin', 'added', 'removed', 'entries', 'maintainer', 'reason'];
  const headings = ['VERSION', 'AT', 'BY', 'ADDED', 'REMOVED', 'ENTRIES', 'MAINTAINER', 'REASON'];
  return textTable(
    headings,
    versions.map((version) => fields.map((field) => fieldText(version, field))),
  );
}
