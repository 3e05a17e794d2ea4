/**
 * `weir token create`: makes a maintainer's token. The token alone goes to standard output, once; whatever is to be said
 * about it goes to standard error. It counts at once, for a Weir that runs as well.
 */
import { Command, InvalidArgumentError } from 'commander';
import { wallClockMs } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { RIGHTS, type Right } from '../control-plane/ledger/ledger.ts';
import { ALL_LISTS, isRight, tokenProblem, TokenStore, type NewToken } from '../control-plane/ledger/token-store.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';
import { operatorName, withLedger } from './operator-ledger.ts';
import { collectWords, wholeNumberIn } from './option-values.ts';
import { timeOfSeconds } from './terminal-text.ts';

const DAY_SECONDS = 86_400;
const EXPIRES_DAYS_MAX = 3_650;

interface CreateOptions {
  readonly maintainer: string;
  readonly list: readonly string[];
  readonly rights: readonly Right[];
  readonly expiresDays?: number;
  readonly config: string;
}

const RIGHTS_HELP = `
Rights:
  read      see lists, versions, holds and the audit chain
  propose   send changes; everything added waits until somebody approves it
  push      send changes that are in force at once; risky entries are held
  approve   decide what is held or staged

The token alone is printed on standard output, once. Example:
  weir token create --maintainer "Fraud desk" --list desk --rights push,read > desk.token
`;

export function tokenCreateCommand(): Command {
  return new Command('create')
    .description('make a token and print it, once')
    .requiredOption('--maintainer <name>', 'whose it is; shown with every change made with it')
    .requiredOption('--list <names>', 'lists it is for (may be repeated, or with commas); "*": all', collectWords)
    .requiredOption('--rights <rights>', `some of ${RIGHTS.join(',')}`, collectRights)
    .option('--expires-days <n>', 'ends by itself after so many days', wholeNumberIn(1, EXPIRES_DAYS_MAX))
    .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
    .addHelpText('after', RIGHTS_HELP)
    .action(async (options: CreateOptions) => {
      process.exitCode = await create(options);
    });
}

function collectRights(text: string, before: readonly Right[] = []): readonly Right[] {
  const words = collectWords(text);
  const rights = words.filter((word) => isRight(word));
  if (rights.length < words.length) throw new InvalidArgumentError(`Rights are ${RIGHTS.join(', ')}.`);
  return [...before, ...rights];
}

async function create(options: CreateOptions): Promise<number> {
  const nowSeconds = Math.floor(wallClockMs() / 1000);
  const { maintainer, list: lists, rights, expiresDays } = options;
  const expiresAtSeconds = expiresDays === undefined ? 0 : nowSeconds + expiresDays * DAY_SECONDS;
  const wanted: NewToken = { maintainer, lists, rights, expiresAtSeconds, by: operatorName() };
  const problem = tokenProblem(wanted);
  if (problem !== undefined) return usage(problem);
  return withLedger(options.config, 'write', (db, config) => {
    const missing = lists.find((name) => name !== ALL_LISTS && !config.lists.some((list) => list.name === name));
    if (missing !== undefined) return usage(`${options.config} has no list ${JSON.stringify(missing)}`);
    const token = new TokenStore(db).create(wanted, nowSeconds);
    process.stdout.write(`${token}\n`);
    tell(token, wanted, config);
    return ExitCode.ok;
  });
}

function tell(token: string, { maintainer, lists, rights, expiresAtSeconds }: NewToken, config: Config): void {
  const where = lists.includes(ALL_LISTS) ? 'all lists' : [...new Set(lists)].join(', ');
  const until = expiresAtSeconds === 0 ? '' : `, until ${timeOfSeconds(expiresAtSeconds)}`;
  const id = token.split('_')[1] ?? '';
  process.stderr.write(
    `Token ${id} of ${maintainer}: ${rights.join(', ')} on ${where}${until}. It cannot be shown again; to end it: weir token revoke ${id}\n`,
  );
  if (!rights.includes('push') && !rights.includes('propose')) return;
  const pulled = config.lists.filter(({ name, sourceKind }) => lists.includes(name) && sourceKind !== 'push');
  for (const { name } of pulled) process.stderr.write(`warning: ${name} takes no pushes: its source is not "push"\n`);
}

function usage(message: string): number {
  process.stderr.write(`weir: ${message}\n`);
  return ExitCode.usage;
}
