/** `weir appeals list`: objections that wait, or have been decided; oldest first. */
import { Command, InvalidArgumentError } from 'commander';
import { APPEAL_STATES } from '../control-plane/ledger/appeal.ts';
import type { ApiClient, ApiOutcome } from './api-client.ts';
import { reportFailure } from './api-failure.ts';
import { openApi, withApiOptions, type ApiFlags } from './api-options.ts';
import { appealHeadText, type Appeal } from './appeal-text.ts';
import { ExitCode } from './exit-code.ts';
import { listNameOf, wholeNumberIn } from './option-values.ts';

const APPEALS_MAX = 100_000;
/** As many as the API gives at a time. */
const PAGE_MAX = 1_000;

interface AppealsFlags extends ApiFlags {
  readonly list?: string;
  readonly state: string;
  readonly limit: number;
}

type Page = { readonly appeals?: readonly Appeal[]; readonly next?: string | null };

export function appealsListCommand(): Command {
  const command = new Command('list')
    .description('show objections')
    .option('--list <name>', 'to this list only', listNameOf)
    .option('--state <state>', `one of ${APPEAL_STATES.join(', ')}, open, or all`, stateOf, 'open')
    .option('--limit <n>', 'at most so many', wholeNumberIn(1, APPEALS_MAX), 100);
  return withApiOptions(command).action(async (flags: AppealsFlags) => {
    process.exitCode = await listAppeals(flags);
  });
}

function stateOf(text: string): string {
  if (text === 'all' || text === 'open' || (APPEAL_STATES as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`It is one of ${APPEAL_STATES.join(', ')}, open, or all.`);
}

async function listAppeals(flags: AppealsFlags): Promise<number> {
  const api = openApi(flags);
  if (api.kind === 'bad') {
    process.stderr.write(`weir: ${api.message}\n`);
    return api.exitCode;
  }
  const appeals: Appeal[] = [];
  let isMore = false;
  // Why two questions for the open ones: the API filters by one state.
  const states = flags.state === 'open' ? ['received', 'inReview'] : [flags.state];
  for (const state of states) {
    let after: string | null = '';
    while (after !== null && appeals.length < flags.limit) {
      const outcome = await pageOf(api.client, flags.list, state, after, flags.limit - appeals.length);
      if (outcome.kind !== 'ok') return reportFailure(outcome, flags.json === true);
      const { appeals: found = [], next = null } = outcome.body as Page;
      appeals.push(...found);
      // Why: a server that answers nothing and says there is more would be asked for ever.
      after = found.length === 0 ? null : next;
    }
    isMore ||= after !== null;
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify(appeals, undefined, 2)}\n`);
  else
    process.stdout.write(appeals.length === 0 ? 'there is no such objection\n' : appeals.map(appealHeadText).join(''));
  if (isMore) process.stderr.write(`there are more; --limit shows them\n`);
  return ExitCode.ok;
}

async function pageOf(
  client: ApiClient,
  list: string | undefined,
  state: string,
  after: string,
  limit: number,
): Promise<ApiOutcome> {
  const query = new URLSearchParams({ limit: String(Math.min(PAGE_MAX, limit)) });
  if (list !== undefined) query.set('list', list);
  if (state !== 'all') query.set('state', state);
  if (after !== '') query.set('after', after);
  return client.send({ method: 'GET', path: `v1/appeals?${query.toString()}`, repeat: 'safe' });
}
