/** `weir appeals list`: objections that wait, or have been decided; oldest first. */
import { Command, InvalidArgumentError } from 'commander';
import { APPEAL_STATES } from '../control-plane/ledger/appeal.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { ROWS_MAX, readPages } from './api-pages.ts';
import { appealHeadText } from './appeal-text.ts';
import { ExitCode } from './exit-code.ts';
import { listNameOf, wholeNumberIn } from './option-values.ts';

interface AppealsFlags extends ApiFlags {
  readonly list?: string;
  readonly state: string;
  readonly limit: number;
}

export function appealsListCommand(): Command {
  const command = new Command('list')
    .description('show objections')
    .option('--list <name>', 'to this list only', listNameOf)
    .option('--state <state>', `one of ${APPEAL_STATES.join(', ')}, open, or all`, stateOf, 'open')
    .option('--limit <n>', 'at most so many', wholeNumberIn(1, ROWS_MAX), 100);
  return withApiOptions(command).action(async (flags: AppealsFlags) => {
    process.exitCode = await listAppeals(flags);
  });
}

function stateOf(text: string): string {
  if (text === 'all' || text === 'open' || (APPEAL_STATES as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`It is one of ${APPEAL_STATES.join(', ')}, open, or all.`);
}

async function listAppeals(flags: AppealsFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const filter = { list: flags.list, state: flags.state === 'all' ? undefined : flags.state };
  const found = await readPages(client, 'appeals', filter, flags.limit);
  if (found.kind !== 'rows') return reportFailure(found, flags.json === true);
  const { rows: appeals, isMore } = found;
  if (flags.json === true) process.stdout.write(`${JSON.stringify(appeals, undefined, 2)}\n`);
  else
    process.stdout.write(appeals.length === 0 ? 'there is no such objection\n' : appeals.map(appealHeadText).join(''));
  if (isMore) process.stderr.write(`there are more; --limit shows them\n`);
  return ExitCode.ok;
}
