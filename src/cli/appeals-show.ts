/** `weir appeals show ID...`: all that an objection says; what was written, for a token that may decide. */
import { Command } from 'commander';
import { appealText } from './appeal-text.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import type { ApiRow } from './api-pages.ts';
import { ExitCode } from './exit-code.ts';

export function appealsShowCommand(): Command {
  const command = new Command('show')
    .description('show an objection')
    .argument('<id>', 'as weir appeals list shows it');
  return withApiOptions(command).action(async (id: string, flags: ApiFlags) => {
    process.exitCode = await show(id, flags);
  });
}

async function show(id: string, flags: ApiFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const path = `v1/appeals/${encodeURIComponent(id)}`;
  const outcome = await client.send({ method: 'GET', path, repeat: 'safe' });
  if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
  const { appeal = {} } = outcome.body as { appeal?: ApiRow };
  process.stdout.write(flags.json === true ? `${JSON.stringify(appeal, undefined, 2)}\n` : appealText(appeal));
  return ExitCode.ok;
}
