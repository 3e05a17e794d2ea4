/** `weir rollouts list`: what is being brought into force step by step, and how far it is. */
import { Command, InvalidArgumentError } from 'commander';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import type { ApiRow } from './api-pages.ts';
import { ExitCode } from './exit-code.ts';
import { listNameOf } from './option-values.ts';
import { entriesText } from './progress.ts';
import { fieldText, terminalText } from './terminal-text.ts';

const STATES = ['running', 'complete', 'aborted'];

interface ListFlags extends ApiFlags {
  readonly list?: string;
  readonly state: string;
}

export function rolloutsListCommand(): Command {
  const command = new Command('list')
    .description('show rollouts')
    .option('--list <name>', 'of this list only', listNameOf)
    .option('--state <state>', `one of ${STATES.join(', ')}, or all`, stateOf, 'running');
  return withApiOptions(command).action(async (flags: ListFlags) => {
    process.exitCode = await listRollouts(flags);
  });
}

function stateOf(text: string): string {
  if (text === 'all' || STATES.includes(text)) return text;
  throw new InvalidArgumentError(`It is one of ${STATES.join(', ')}, or all.`);
}

async function listRollouts(flags: ListFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const outcome = await client.send({ method: 'GET', path: 'v1/rollouts', repeat: 'safe' });
  if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
  const { rollouts = [] } = outcome.body as { readonly rollouts?: readonly ApiRow[] };
  const wanted = rollouts.filter(
    ({ list, state }) =>
      (flags.list === undefined || list === flags.list) && (flags.state === 'all' || state === flags.state),
  );
  const nothing = flags.state === 'running' ? 'nothing is being rolled out\n' : 'there is no such rollout\n';
  const text = wanted.length === 0 ? nothing : wanted.map(rolloutText).join('');
  process.stdout.write(flags.json === true ? `${JSON.stringify(wanted, undefined, 2)}\n` : text);
  return ExitCode.ok;
}

export function rolloutText(rollout: ApiRow): string {
  const field = (key: string): string => fieldText(rollout, key);
  const next = rollout['nextAt'] === null ? 'goes on when it is promoted' : `goes on by itself at ${field('nextAt')}`;
  const isRunning = field('state') === 'running';
  const lines = [
    `${field('id')}  ${field('list')}  ${entriesText(Number(rollout['entries']))} since version ${field('version')}  ${field('state')}`,
    ...(isRunning ? [`    in force for ${field('percent')} % of the clients; ${next}`] : []),
    `    ${field('reason')}`,
  ];
  return lines.map((line) => `${terminalText(line).trimEnd()}\n`).join('');
}
