/** `weir holds list`: what waits for a person, or has been decided. */
import { Command, InvalidArgumentError } from 'commander';
import { HOLD_STATES } from '../control-plane/ledger/ledger.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { ROWS_MAX, readPages, type ApiRow } from './api-pages.ts';
import { ExitCode } from './exit-code.ts';
import { listNameOf, wholeNumberIn } from './option-values.ts';
import { fieldText, terminalText } from './terminal-text.ts';

interface HoldsFlags extends ApiFlags {
  readonly list?: string;
  readonly state: string;
  readonly limit: number;
}

export function holdsListCommand(): Command {
  const command = new Command('list')
    .description('show what is held')
    .option('--list <name>', 'of this list only', listNameOf)
    .option('--state <state>', `one of ${HOLD_STATES.join(', ')}, or all`, stateOf, 'open')
    .option('--limit <n>', 'at most so many', wholeNumberIn(1, ROWS_MAX), 100);
  return withApiOptions(command).action(async (flags: HoldsFlags) => {
    process.exitCode = await listHolds(flags);
  });
}

function stateOf(text: string): string {
  if (text === 'all' || (HOLD_STATES as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`It is one of ${HOLD_STATES.join(', ')}, or all.`);
}

async function listHolds(flags: HoldsFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const filter = { list: flags.list, state: flags.state === 'all' ? undefined : flags.state };
  const found = await readPages(client, 'holds', filter, flags.limit);
  if (found.kind !== 'rows') return reportFailure(found, flags.json === true);
  const { rows: holds, isMore } = found;
  process.stdout.write(flags.json === true ? `${JSON.stringify(holds, undefined, 2)}\n` : textOf(holds, flags.state));
  if (isMore) process.stderr.write(`there are more; --limit shows them\n`);
  return ExitCode.ok;
}

function textOf(holds: readonly ApiRow[], state: string): string {
  if (holds.length === 0) return state === 'open' ? 'nothing is held\n' : 'there is no such hold\n';
  return holds.map(holdText).join('');
}

export function holdText(hold: ApiRow): string {
  const field = (key: string): string => fieldText(hold, key);
  const what = field('kind') === 'update' ? 'a whole update' : `${field('name')} (${field('scope')})`;
  const lines = [
    `${field('id')}  ${field('list')}  ${what}  [${field('guard')}]  ${field('state')}`,
    `    ${field('detail')}`,
    `    proposed by ${field('proposer')} at ${field('createdAt')}: ${field('reason')}`,
  ];
  if (field('state') !== 'open') {
    lines.push(`    ${field('state')} by ${field('decidedBy')} at ${field('decidedAt')}: ${field('decisionReason')}`);
  }
  return lines.map((line) => `${terminalText(line).trimEnd()}\n`).join('');
}
