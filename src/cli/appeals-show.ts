/** `weir appeals show ID...`: all that an objection says; what was written, for a token that may decide. */
import { Command } from 'commander';
import { appealText, type Appeal } from './appeal-text.ts';
import { reportFailure } from './api-failure.ts';
import { openApi, withApiOptions, type ApiFlags } from './api-options.ts';
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
  const api = openApi(flags);
  if (api.kind === 'bad') {
    process.stderr.write(`weir: ${api.message}\n`);
    return api.exitCode;
  }
  const path = `v1/appeals/${encodeURIComponent(id)}`;
  const outcome = await api.client.send({ method: 'GET', path, repeat: 'safe' });
  if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
  const { appeal = {} } = outcome.body as { appeal?: Appeal };
  process.stdout.write(flags.json === true ? `${JSON.stringify(appeal, undefined, 2)}\n` : appealText(appeal));
  return ExitCode.ok;
}
