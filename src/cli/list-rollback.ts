/** `weir list rollback LIST --to VERSION`: a push list says again what an earlier version said, as a new version. */
import { Command } from 'commander';
import { BULK_IDLE_TIMEOUT_MS } from './api-client.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { changeExitCode, changeText, isChangeAnswer } from './change-answer.ts';
import { ExitCode } from './exit-code.ts';
import { listNameOf, reasonOf, wholeNumberIn } from './option-values.ts';

interface RollbackFlags extends ApiFlags {
  readonly to: number;
  readonly reason: string;
}

export function listRollbackCommand(): Command {
  const command = new Command('rollback')
    .description('make a push list say again what an earlier version said')
    .argument('<list>', 'name of the list', listNameOf)
    .requiredOption('--to <version>', 'as weir list versions shows them', wholeNumberIn(0, Number.MAX_SAFE_INTEGER))
    .requiredOption('--reason <text>', 'why; kept with the version and in the audit chain', reasonOf);
  return withApiOptions(command).action(async (list: string, flags: RollbackFlags) => {
    process.exitCode = await rollBack(list, flags);
  });
}

async function rollBack(list: string, flags: RollbackFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const outcome = await client.send({
    method: 'POST',
    path: `v1/lists/${encodeURIComponent(list)}/rollback`,
    body: { json: { toVersion: flags.to, reason: flags.reason } },
    idleTimeoutMs: BULK_IDLE_TIMEOUT_MS,
    repeat: 'unsent',
  });
  if (outcome.kind !== 'ok') {
    const code = reportFailure(outcome, flags.json === true);
    if (outcome.kind === 'unreachable' && outcome.mayHaveArrived) {
      process.stderr.write(`What became of it is not known; weir list versions ${list} shows it.\n`);
    }
    return code;
  }
  if (!isChangeAnswer(outcome.body)) {
    process.stderr.write('weir: the answer is none to a rollback; is there another version of Weir?\n');
    return ExitCode.failure;
  }
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(outcome.body, undefined, 2)}\n` : changeText(list, outcome.body),
  );
  return changeExitCode(outcome.body);
}
