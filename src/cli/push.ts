/**
 * `weir push LIST`: sends a change to a push list and waits until it is in force. Names on the command line go as JSON,
 * list files as a stream. Every push has an idempotency key, so that sending it again, by itself or by hand, never does
 * anything twice.
 */
import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { BULK_IDLE_TIMEOUT_MS, type ApiClient, type ApiOutcome } from './api-client.ts';
import { reportFailure } from './api-failure.ts';
import { openApiOrSay, withApiOptions, type ApiFlags } from './api-options.ts';
import { changeExitCode, changeText, isChangeAnswer } from './change-answer.ts';
import { ExitCode } from './exit-code.ts';
import { formatsHelp, parseFormatName } from './list-format-option.ts';
import { listNameOf, reasonOf } from './option-values.ts';
import { PushEntries, removalOf, type EntryFields, type PushPlan } from './push-entries.ts';
import { createPushProgress } from './push-progress.ts';

/** As many as the API takes in one JSON body. */
const NAMES_MAX = 5_000;
const IDEMPOTENCY_KEY = /^[!-~]{1,255}$/;

interface PushFlags extends ApiFlags, EntryFields {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly reason: string;
  readonly file?: string;
  readonly removeFile?: string;
  readonly format: string;
  readonly idempotencyKey?: string;
}

const HELP = `
The answer comes when the change is durable and in force on every thread of that Weir. What is risky is held for somebody
with the right approve; the rest goes into force. Exit 0: something was accepted, or proposed as it was meant to be;
1: it was refused, or nothing of it was accepted.

Examples:
  weir push desk --add evil.example --reason "case 7" --token-file desk.token
  weir push desk --remove evil.example --reason "case 7 closed" --token-file desk.token
  weir push desk --file new-names.csv --reason "week 14" --token-file desk.token
`;

export function pushCommand(): Command {
  const command = new Command('push')
    .description('send a change to a push list, and wait until it is in force')
    .argument('<list>', 'name of the list', listNameOf)
    .option('--add <name...>', 'names to block', [])
    .option('--remove <name...>', 'names to take back', [])
    .requiredOption('--reason <text>', 'why; kept with the version and in the audit chain', reasonOf)
    .option('--file <file>', 'a list of names to block, in any format; "-" is standard input')
    .option('--remove-file <file>', 'a list of names to take back')
    .option('--format <format>', 'format of the files (detected from the content)', parseFormatName, 'auto')
    .option('--scope <scope>', 'exact, or subtree (the default); of what is taken back: only this one', scopeOf)
    .option('--category <category>', 'of what is added')
    .option('--reference <text>', 'case number')
    .option('--expires-at <time>', 'when it ends by itself, e.g. 2027-01-31T00:00:00Z')
    .option('--note <text>', 'kept with the entry')
    .option('--mode <mode>', 'enforce (the default), or shadow: only count', modeOf)
    .option('--idempotency-key <key>', 'to send the same again safely (made up anew each time)', keyOf);
  return withApiOptions(command)
    .addHelpText('after', `${HELP}${formatsHelp()}`)
    .action(async (list: string, flags: PushFlags) => {
      process.exitCode = await push(list, flags);
    });
}

async function push(list: string, flags: PushFlags): Promise<number> {
  const problem = usageProblem(flags);
  if (problem !== undefined) {
    process.stderr.write(`weir: ${problem}\n`);
    return ExitCode.usage;
  }
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  const plan = planOf(flags);
  const isBulk = plan.addFile !== undefined || plan.removeFile !== undefined;
  const outcome = isBulk ? await pushFiles(client, list, plan) : await pushNames(client, list, plan);
  if (outcome.kind !== 'ok') return reportRefused(outcome, plan, flags.json === true);
  if (!isChangeAnswer(outcome.body)) {
    process.stderr.write('weir: the answer is none to a push; is there another version of Weir?\n');
    return ExitCode.failure;
  }
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(outcome.body, undefined, 2)}\n` : changeText(list, outcome.body),
  );
  return changeExitCode(outcome.body);
}

function planOf({ reason, idempotencyKey, add, remove, file, removeFile, format, ...rest }: PushFlags): PushPlan {
  const { scope, category, reference, expiresAt, note, mode } = rest;
  const given = Object.entries({ scope, category, reference, expiresAt, note, mode }).filter(
    ([, value]) => value !== undefined,
  );
  const fields = Object.fromEntries(given) as EntryFields;
  const key = idempotencyKey ?? `weir-push-${randomUUID()}`;
  return { reason, idempotencyKey: key, add, remove, addFile: file, removeFile, format, fields };
}

async function pushNames(client: ApiClient, list: string, plan: PushPlan): Promise<ApiOutcome> {
  const { reason, add, remove, fields, idempotencyKey } = plan;
  const json = {
    reason,
    ...(add.length === 0 ? {} : { add: add.map((name) => ({ name, ...fields })) }),
    ...(remove.length === 0 ? {} : { remove: remove.map((name) => removalOf(name, fields)) }),
  };
  const headers = { 'idempotency-key': idempotencyKey };
  return client.send({ method: 'POST', path: changesPath(list), body: { json }, headers, repeat: 'safe' });
}

async function pushFiles(client: ApiClient, list: string, plan: PushPlan): Promise<ApiOutcome> {
  // Why: a token that is refused is found out before a million entries are on their way.
  const who = await client.send({ method: 'GET', path: 'v1/token', repeat: 'safe' });
  if (who.kind !== 'ok') return who;
  const readsInput = plan.addFile === '-' || plan.removeFile === '-';
  const progress = createPushProgress();
  let entries = new PushEntries(plan, progress);
  const lines = () => (entries = new PushEntries(plan, progress)).stream();
  const outcome = await client.send({
    method: 'POST',
    path: changesPath(list),
    body: { lines },
    headers: { 'idempotency-key': plan.idempotencyKey },
    idleTimeoutMs: BULK_IDLE_TIMEOUT_MS,
    // Why: standard input cannot be read a second time.
    repeat: readsInput ? 'never' : 'safe',
  });
  progress.end();
  tellOfFiles(entries);
  return outcome;
}

function tellOfFiles({ problem, exceptions, skippedByReason }: PushEntries): void {
  const skipped = Object.entries(skippedByReason).map(([reason, count]) => `${reason} ${count}`);
  if (skipped.length > 0) process.stderr.write(`lines skipped: ${skipped.join(', ')}\n`);
  if (exceptions > 0) process.stderr.write(`${exceptions} exceptions left out: what is pushed only blocks\n`);
  if (problem !== undefined) process.stderr.write(`weir: ${problem}\n`);
}

function reportRefused(outcome: Exclude<ApiOutcome, { kind: 'ok' }>, plan: PushPlan, asJson: boolean): number {
  const code = reportFailure(outcome, asJson);
  const isUnknown = outcome.kind === 'unreachable' && outcome.mayHaveArrived;
  if (isUnknown || (outcome.kind === 'problem' && outcome.problem.code === 'notInForceYet')) {
    process.stderr.write(
      `${isUnknown ? 'What became of it is not known. ' : ''}The same command with --idempotency-key ${plan.idempotencyKey} finds out, and does nothing twice.\n`,
    );
  }
  return code;
}

function changesPath(list: string): string {
  return `v1/lists/${encodeURIComponent(list)}/changes`;
}

function usageProblem({ add, remove, file, removeFile }: PushFlags): string | undefined {
  if (add.length + remove.length === 0 && file === undefined && removeFile === undefined) {
    return 'say what is to change: --add NAME..., --remove NAME..., --file FILE or --remove-file FILE';
  }
  if (file === '-' && removeFile === '-') return 'standard input is one file only';
  if (add.length + remove.length > NAMES_MAX) return `more than ${NAMES_MAX} names go into a file (--file)`;
  return [...add, ...remove].some((name) => name.trim() === '') ? 'a name is empty' : undefined;
}

function scopeOf(text: string): string {
  if (text === 'exact' || text === 'subtree') return text;
  throw new InvalidArgumentError('It is exact or subtree.');
}

function modeOf(text: string): string {
  if (text === 'enforce' || text === 'shadow') return text;
  throw new InvalidArgumentError('It is enforce or shadow.');
}

function keyOf(text: string): string {
  if (IDEMPOTENCY_KEY.test(text)) return text;
  throw new InvalidArgumentError('It is 1 to 255 printable characters without spaces.');
}
