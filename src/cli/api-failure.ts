/** What the API refused, or why it was not reached, as sentences for the person at the terminal. */
import type { ApiOutcome, Problem } from './api-client.ts';
import { ExitCode } from './exit-code.ts';
import { terminalText } from './terminal-text.ts';

const ERRORS_SHOWN = 5;
/** Of a server without /v1: its paths are all unknown, and none of them says which. */
const NO_API_HERE = 'this server has no /v1: is that the address of the admin listener of a Weir?';

export type ApiFailure = Exclude<ApiOutcome, { readonly kind: 'ok' }>;

/** Writes it to standard error; with `asJson` the problem document to standard output too. Returns the exit code. */
export function reportFailure(failure: ApiFailure, asJson = false): number {
  if (asJson && failure.kind === 'problem') process.stdout.write(`${JSON.stringify(failure.problem, undefined, 2)}\n`);
  const text = failureText(failure);
  if (text !== '') process.stderr.write(`weir: ${text}\n`);
  return ExitCode.failure;
}

export function failureText(failure: ApiFailure): string {
  switch (failure.kind) {
    case 'unreachable':
      return `Weir cannot be reached: ${terminalText(failure.message)}`;
    case 'aborted':
      return '';
    case 'problem':
      return problemText(failure.problem);
    default:
      return failure satisfies never;
  }
}

function problemText(problem: Problem): string {
  const { title, detail, code, errors } = problem;
  if (code === 'notFound' && detail === '') return `${NO_API_HERE} [${code}]`;
  const sentences = [`${withStop(title)}${detail === '' ? '' : ` ${withStop(detail)}`} [${code}]`, advice(problem)];
  const first = terminalText(sentences.filter((sentence) => sentence !== '').join(' '));
  // Why only several: one error is what the detail says already.
  const listed = errors.length < 2 ? [] : errors.slice(0, ERRORS_SHOWN);
  const more = errors.length > ERRORS_SHOWN ? [`  and ${errors.length - ERRORS_SHOWN} more`] : [];
  return [first, ...listed.map(({ path, message }) => terminalText(`  ${path}: ${message}`)), ...more].join('\n');
}

function advice({ status, code }: Problem): string {
  if (status === 401)
    return 'Look at --token-file or WEIR_TOKEN; the operator sees with weir token list how tokens stand.';
  if (code === 'forbidden') return 'The operator makes a token with that right: weir token create.';
  if (code === 'samePerson') return 'Somebody else with the right approve has to do it.';
  if (code === 'listUnknown') return 'The lists that the token may read: GET /v1/lists.';
  return '';
}

function withStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
