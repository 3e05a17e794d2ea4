/** `weir rollouts promote|abort ID...`: moves rollouts by hand; in force on every resolver thread when it is answered. */
import { Command } from 'commander';
import { BULK_IDLE_TIMEOUT_MS, type ApiClient } from './api-client.ts';
import { reportFailure } from './api-failure.ts';
import { withApiOptions, type ApiFlags } from './api-options.ts';
import type { ApiRow } from './api-pages.ts';
import { eachId } from './each-id.ts';
import { ExitCode } from './exit-code.ts';
import { reasonOf } from './option-values.ts';
import { rolloutText } from './rollouts-list.ts';
import { terminalText } from './terminal-text.ts';

type Move = 'promote' | 'abort';

interface MoveFlags extends ApiFlags {
  readonly reason: string;
}

export function rolloutsMoveCommand(to: Move, description: string): Command {
  const command = new Command(to)
    .description(description)
    .argument('<id...>', 'as weir rollouts list shows them')
    .requiredOption('--reason <text>', 'why; kept in the audit chain', reasonOf);
  return withApiOptions(command).action(async (ids: readonly string[], flags: MoveFlags) => {
    process.exitCode = await eachId(ids, flags, (client, id) => move(client, to, id, flags));
  });
}

async function move(client: ApiClient, to: Move, id: string, flags: MoveFlags): Promise<number> {
  const outcome = await client.send({
    method: 'POST',
    path: `v1/rollouts/${encodeURIComponent(id)}/${to}`,
    body: { json: { reason: flags.reason } },
    // Why so long: one rollout may be of a million entries.
    idleTimeoutMs: BULK_IDLE_TIMEOUT_MS,
    // Why never again by itself: promoted twice, it would be two stages further.
    repeat: 'unsent',
  });
  if (outcome.kind !== 'ok') {
    const code = reportFailure(outcome, flags.json === true);
    if (outcome.kind === 'unreachable' && outcome.mayHaveArrived) {
      process.stderr.write(
        `What became of ${terminalText(id)} is not known; weir rollouts list --state all shows it.\n`,
      );
    }
    return code;
  }
  const { rollout = {}, version = null } = outcome.body as { rollout?: ApiRow; version?: number | null };
  if (flags.json === true) process.stdout.write(`${JSON.stringify(outcome.body, undefined, 2)}\n`);
  else
    process.stdout.write(`${rolloutText(rollout)}${version === null ? '' : `    in force with version ${version}\n`}`);
  return ExitCode.ok;
}
