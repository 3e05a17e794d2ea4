/** `weir holds list`: what waits for a person, or has been decided. */
import { Command, InvalidArgumentError } from 'commander';
import { HOLD_STATES } from '../control-plane/ledger/ledger.ts';
import type { ApiClient, ApiOutcome } from './api-client.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { ExitCode } from './exit-code.ts';
import { listNameOf, wholeNumberIn } from './option-values.ts';
import { fieldText, terminalText } from './terminal-text.ts';

const HOLDS_MAX = 100_000;
/** As many as the API gives at a time. */
const PAGE_MAX = 1_000;

interface HoldsFlags extends ApiFlags {
  readonly list?: string;
  readonly state: string;
  readonly limit: number;
}

/** One hold as the API shows it. */
export type Hold = Readonly<Record<string, unknown>>;
type Page = { readonly holds?: readonly Hold[]; readonly next?: string | null };

export function holdsListCommand(): Command {
  const command = new Command('list')
    .description('show what is held')
    .option('--list <name>', 'of this list only', listNameOf)
    .option('--state <state>', `one of ${HOLD_STATES.join(', ')}, or all`, stateOf, 'open')
    .option('--limit <n>', 'at most so many', wholeNumberIn(1, HOLDS_MAX), 100);
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
  const holds: Hold[] = [];
  let after: string | null = '';
  while (after !== null && holds.length < flags.limit) {
    const outcome = await pageOf(client, flags, after, flags.limit - holds.length);
    if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
    const { holds: found = [], next = null } = outcome.body as Page;
    holds.push(...found);
    // Why: a server that answers nothing and says there is more would be asked for ever.
    after = found.length === 0 ? null : next;
  }
  process.stdout.write(flags.json === true ? `${JSON.stringify(holds, undefined, 2)}\n` : textOf(holds, flags.state));
  if (after !== null) process.stderr.write(`there are more; --limit shows them\n`);
  return ExitCode.ok;
}

async function pageOf(
  client: ApiClient,
  { list, state }: HoldsFlags,
  after: string,
  limit: number,
): Promise<ApiOutcome> {
  const query = new URLSearchParams({ limit: String(Math.min(PAGE_MAX, limit)) });
  if (list !== undefined) query.set('list', list);
  if (state !== 'all') query.set('state', state);
  if (after !== '') query.set('after', after);
  return client.send({ method: 'GET', path: `v1/holds?${query.toString()}`, repeat: 'safe' });
}

function textOf(holds: readonly Hold[], state: string): string {
  if (holds.length === 0) return state === 'open' ? 'nothing is held\n' : 'there is no such hold\n';
  return holds.map(holdText).join('');
}

export function holdText(hold: Hold): string {
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
