/** `weir exception list`: who is let through to what, until when and why. */
import { Command, InvalidArgumentError } from 'commander';
import { EXCEPTION_STATES } from '../control-plane/ledger/exception.ts';
import { reportFailure } from './api-failure.ts';
import { openApi, withApiOptions, type ApiFlags } from './api-options.ts';
import { ExitCode } from './exit-code.ts';
import { wholeNumberIn } from './option-values.ts';
import { fieldText, terminalText } from './terminal-text.ts';

const EXCEPTIONS_MAX = 100_000;
/** As many as the API gives at a time. */
const PAGE_MAX = 1_000;

interface ListFlags extends ApiFlags {
  readonly state: string;
  readonly limit: number;
}

/** One exception as the API shows it. */
export type ShownException = Readonly<Record<string, unknown>>;
type Page = { readonly exceptions?: readonly ShownException[]; readonly next?: string | null };

export function exceptionListCommand(): Command {
  const command = new Command('list')
    .description('show exceptions, oldest first')
    .option('--state <state>', `one of ${EXCEPTION_STATES.join(', ')}, or all`, stateOf, 'active')
    .option('--limit <n>', 'at most so many', wholeNumberIn(1, EXCEPTIONS_MAX), 100);
  return withApiOptions(command).action(async (flags: ListFlags) => {
    process.exitCode = await listExceptions(flags);
  });
}

function stateOf(text: string): string {
  if (text === 'all' || (EXCEPTION_STATES as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`It is one of ${EXCEPTION_STATES.join(', ')}, or all.`);
}

async function listExceptions(flags: ListFlags): Promise<number> {
  const api = openApi(flags);
  if (api.kind === 'bad') {
    process.stderr.write(`weir: ${api.message}\n`);
    return api.exitCode;
  }
  const exceptions: ShownException[] = [];
  let after: string | null = '';
  while (after !== null && exceptions.length < flags.limit) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE_MAX, flags.limit - exceptions.length)) });
    if (flags.state !== 'all') query.set('state', flags.state);
    if (after !== '') query.set('after', after);
    const path = `v1/exceptions?${query.toString()}`;
    const outcome = await api.client.send({ method: 'GET', path, repeat: 'safe' });
    if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
    const { exceptions: found = [], next = null }: Page = outcome.body as Page;
    exceptions.push(...found);
    // Why: a server that answers nothing and says there is more would be asked for ever.
    after = found.length === 0 ? null : next;
  }
  const text = exceptions.length === 0 ? 'there is no such exception\n' : exceptions.map(exceptionText).join('');
  process.stdout.write(flags.json === true ? `${JSON.stringify(exceptions, undefined, 2)}\n` : text);
  if (after !== null) process.stderr.write('there are more; --limit shows them\n');
  return ExitCode.ok;
}

export function exceptionText(exception: ShownException): string {
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
