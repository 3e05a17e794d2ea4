/** `weir exception add NAME`: in force on every resolver thread when it is answered. */
import { Command } from 'commander';
import { EXCEPTION_HOURS_MAX } from '../control-plane/ledger/exception.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import type { ApiRow } from './api-pages.ts';
import { exceptionText } from './exception-list.ts';
import { ExitCode } from './exit-code.ts';
import { reasonOf, wholeNumberIn } from './option-values.ts';

interface AddFlags extends ApiFlags {
  readonly clients: string;
  readonly hours: number;
  readonly reason: string;
  readonly exact?: true;
}

export function exceptionAddCommand(): Command {
  const command = new Command('add')
    .description('let clients through to a name, and to those below it')
    .argument('<name>', 'domain name')
    .requiredOption('--clients <prefix>', 'an address or a prefix')
    .requiredOption(
      '--hours <n>',
      `for so long, ${EXCEPTION_HOURS_MAX} at the most`,
      wholeNumberIn(1, EXCEPTION_HOURS_MAX),
    )
    .requiredOption('--reason <text>', 'why; kept with the exception and in the audit chain', reasonOf)
    .option('--exact', 'to this name only');
  return withApiOptions(command).action(async (name: string, flags: AddFlags) => {
    process.exitCode = await add(name, flags);
  });
}

async function add(name: string, flags: AddFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const { clients, hours, reason, exact } = flags;
  const body = { json: { name, scope: exact === true ? 'exact' : 'subtree', clients, hours, reason } };
  const outcome = await client.send({ method: 'POST', path: 'v1/exceptions', body, repeat: 'unsent' });
  if (outcome.kind !== 'ok') {
    const code = reportFailure(outcome, flags.json === true);
    if (outcome.kind === 'unreachable' && outcome.mayHaveArrived) {
      process.stderr.write('Whether it was made is not known; weir exception list shows it.\n');
    }
    return code;
  }
  const { exception = {} } = outcome.body as { exception?: ApiRow };
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(outcome.body, undefined, 2)}\n` : exceptionText(exception),
  );
  return ExitCode.ok;
}
