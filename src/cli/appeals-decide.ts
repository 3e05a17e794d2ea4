/** `weir appeals review|decide ID`: a person looks at an objection, or decides on it; answered when it is in force. */
import { Command, Option } from 'commander';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { appealHeadText } from './appeal-text.ts';
import type { ApiRow } from './api-pages.ts';
import { ExitCode } from './exit-code.ts';
import { reasonOf } from './option-values.ts';
import { fieldText, terminalText } from './terminal-text.ts';

interface DecideFlags extends ApiFlags {
  readonly uphold?: boolean;
  readonly reject?: boolean;
  readonly reason: string;
}

interface Decided {
  readonly appeal?: ApiRow;
  readonly alsoDecided?: readonly string[];
  readonly version?: number | null;
  readonly stillBlockedBy?: Readonly<Record<string, unknown>> | null;
}

export function appealsReviewCommand(): Command {
  const command = new Command('review')
    .description('say that somebody looks at an objection; the applicant sees it')
    .argument('<id>', 'as weir appeals list shows it');
  return withApiOptions(command).action(async (id: string, flags: ApiFlags) => {
    process.exitCode = await send(id, 'review', {}, flags);
  });
}

export function appealsDecideCommand(): Command {
  const command = new Command('decide')
    .description('decide on an objection')
    .argument('<id>', 'as weir appeals list shows it')
    .addOption(new Option('--uphold', 'the block was wrong, and is lifted').conflicts('reject'))
    .addOption(new Option('--reject', 'the block stays'))
    .requiredOption('--reason <text>', 'why; the applicant reads it', reasonOf);
  return withApiOptions(command).action(async (id: string, flags: DecideFlags) => {
    if (flags.uphold !== true && flags.reject !== true)
      command.error('error: say --uphold or --reject', { exitCode: 2 });
    process.exitCode = await send(id, flags.uphold === true ? 'uphold' : 'reject', { reason: flags.reason }, flags);
  });
}

async function send(id: string, what: 'review' | 'uphold' | 'reject', json: object, flags: ApiFlags): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const path = `v1/appeals/${encodeURIComponent(id)}/${what}`;
  const outcome = await client.send({ method: 'POST', path, body: { json }, repeat: 'unsent' });
  if (outcome.kind !== 'ok') {
    const code = reportFailure(outcome, flags.json === true);
    if (outcome.kind === 'unreachable' && outcome.mayHaveArrived) {
      process.stderr.write(`What became of it is not known; weir appeals show ${terminalText(id)} says it.\n`);
    }
    return code;
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify(outcome.body, undefined, 2)}\n`);
  else process.stdout.write(decidedText(outcome.body as Decided));
  return ExitCode.ok;
}

function decidedText({ appeal = {}, alsoDecided = [], version = null, stillBlockedBy = null }: Decided): string {
  const lines = [
    version === null ? '' : `in force with version ${version}`,
    alsoDecided.length === 0 ? '' : `decided with it: ${alsoDecided.join(', ')}`,
    stillBlockedBy === null
      ? ''
      : `still blocked by ${fieldText(stillBlockedBy, 'list')} (${fieldText(stillBlockedBy, 'entry')})`,
  ];
  const shown = lines.filter((line) => line !== '').map((line) => `    ${terminalText(line)}\n`);
  return appealHeadText(appeal) + shown.join('');
}
