/** `weir holds release|reject ID...`: a person's decision on what is held, in force when it is answered. */
import { Command } from 'commander';
import { BULK_IDLE_TIMEOUT_MS, type ApiClient } from './api-client.ts';
import { reportFailure } from './api-failure.ts';
import { withApiOptions, type ApiFlags } from './api-options.ts';
import type { ApiRow } from './api-pages.ts';
import { eachId } from './each-id.ts';
import { ExitCode } from './exit-code.ts';
import { holdText } from './holds-list.ts';
import { reasonOf } from './option-values.ts';
import { terminalText } from './terminal-text.ts';

type Decision = 'release' | 'reject';

interface DecideFlags extends ApiFlags {
  readonly reason: string;
}

export function holdsDecideCommand(decision: Decision, description: string): Command {
  const command = new Command(decision)
    .description(description)
    .argument('<id...>', 'as weir holds list shows them')
    .requiredOption('--reason <text>', 'why; kept with the hold and in the audit chain', reasonOf);
  return withApiOptions(command).action(async (ids: readonly string[], flags: DecideFlags) => {
    process.exitCode = await eachId(ids, flags, (client, id) => decide(client, decision, id, flags));
  });
}

async function decide(client: ApiClient, decision: Decision, id: string, flags: DecideFlags): Promise<number> {
  const path = `v1/holds/${encodeURIComponent(id)}/${decision}`;
  const body = { json: { reason: flags.reason } };
  // Why so long: one hold may be of a million entries.
  const outcome = await client.send({
    method: 'POST',
    path,
    body,
    idleTimeoutMs: BULK_IDLE_TIMEOUT_MS,
    repeat: 'unsent',
  });
  if (outcome.kind !== 'ok') {
    const code = reportFailure(outcome, flags.json === true);
    if (outcome.kind === 'unreachable' && outcome.mayHaveArrived) {
      process.stderr.write(`What became of ${terminalText(id)} is not known; weir holds list --state all shows it.\n`);
    }
    return code;
  }
  const { hold = {}, version = null } = outcome.body as { hold?: ApiRow; version?: number | null };
  if (flags.json === true) process.stdout.write(`${JSON.stringify(outcome.body, undefined, 2)}\n`);
  else process.stdout.write(`${holdText(hold)}${version === null ? '' : `    in force with version ${version}\n`}`);
  return ExitCode.ok;
}
