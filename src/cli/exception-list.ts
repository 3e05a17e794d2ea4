/** `weir exception list`: who is let through to what, until when and why. */
import { Command, InvalidArgumentError } from 'commander';
import { EXCEPTION_STATES } from '../control-plane/ledger/exception.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { ROWS_MAX, readPages, type ApiRow } from './api-pages.ts';
import { ExitCode } from './exit-code.ts';
import { wholeNumberIn } from './option-values.ts';
import { fieldText, terminalText } from './terminal-text.ts';

interface ListFlags extends ApiFlags {
  readonly state: string;
  readonly limit: number;
}

export function exceptionListCommand(): Command {
  const command = new Command('list')
    .description('show exceptions, oldest first')
    .option('--state <state>', `one of ${EXCEPTION_STATES.join(', ')}, or all`, stateOf, 'active')
    .option('--limit <n>', 'at most so many', wholeNumberIn(1, ROWS_MAX), 100);
  return withApiOptions(command).action(async (flags: ListFlags) => {
    process.exitCode = await listExceptions(flags);
  });
}

function stateOf(text: string): string {
  if (text === 'all' || (EXCEPTION_STATES as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`It is one of ${EXCEPTION_STATES.join(', ')}, or all.`);
}

async function listExceptions(flags: ListFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const filter = { state: flags.state === 'all' ? undefined : flags.state };
  const found = await readPages(client, 'exceptions', filter, flags.limit);
  if (found.kind !== 'rows') return reportFailure(found, flags.json === true);
  const { rows: exceptions, isMore } = found;
  const text = exceptions.length === 0 ? 'there is no such exception\n' : exceptions.map(exceptionText).join('');
  process.stdout.write(flags.json === true ? `${JSON.stringify(exceptions, undefined, 2)}\n` : text);
  if (isMore) process.stderr.write('there are more; --limit shows them\n');
  return ExitCode.ok;
}

export function exceptionText(exception: ApiRow): string {
  const field = (key: string): string => fieldText(exception, key);
  const lines = [
    `${field('id')}  ${field('name')} (${field('scope')})  for ${field('clients')} until ${field('expiresAt')}  ${field('state')}`,
    `    made by ${field('createdBy')} at ${field('createdAt')}: ${field('reason')}`,
  ];
  if (field('state') === 'ended') {
    lines.push(`    ended by ${field('endedBy')} at ${field('endedAt')}: ${field('endReason')}`);
  }
  return lines.map((line) => `${terminalText(line).trimEnd()}\n`).join('');
}
