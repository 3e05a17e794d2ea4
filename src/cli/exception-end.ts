/** `weir exception end ID...`: before their time; off every resolver thread when it is answered. */
import { Command } from 'commander';
import type { ApiClient } from './api-client.ts';
import { reportFailure } from './api-failure.ts';
import { withApiOptions, type ApiFlags } from './api-options.ts';
import type { ApiRow } from './api-pages.ts';
import { eachId } from './each-id.ts';
import { exceptionText } from './exception-list.ts';
import { ExitCode } from './exit-code.ts';
import { reasonOf } from './option-values.ts';

interface EndFlags extends ApiFlags {
  readonly reason: string;
}

export function exceptionEndCommand(): Command {
  const command = new Command('end')
    .description('end exceptions before their time')
    .argument('<id...>', 'as weir exception list shows them')
    .requiredOption('--reason <text>', 'why; kept with the exception and in the audit chain', reasonOf);
  return withApiOptions(command).action(async (ids: readonly string[], flags: EndFlags) => {
    process.exitCode = await eachId(ids, flags, (client, id) => end(client, id, flags));
  });
}

async function end(client: ApiClient, id: string, flags: EndFlags): Promise<number> {
  const path = `v1/exceptions/${encodeURIComponent(id)}/end`;
  const outcome = await client.send({
    method: 'POST',
    path,
    body: { json: { reason: flags.reason } },
    repeat: 'unsent',
  });
  if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
  const { exception = {} } = outcome.body as { exception?: ApiRow };
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(outcome.body, undefined, 2)}\n` : exceptionText(exception),
  );
  return ExitCode.ok;
}
