/** What a push or a rollback came to: the API's answer, as text for people and as an exit code. */
import { ExitCode } from './exit-code.ts';
import { terminalText } from './terminal-text.ts';

/** Rejected and held entries shown of each kind; --json has all that the answer names. */
const ENTRIES_SHOWN = 20;
/** Of a hold of many entries. */
const NAMES_SHOWN = 3;

interface Rejected {
  readonly name: string;
  readonly code: string;
  readonly detail: string;
}
interface Held extends Rejected {
  readonly scope: string;
  readonly holdId: string;
}

export interface ChangeAnswer {
  readonly version: number;
  readonly accepted: number;
  readonly removed: number;
  readonly unchanged: number;
  readonly rejected: readonly Rejected[];
  readonly rejectedTotal: number;
  readonly held: readonly Held[];
  readonly heldTotal: number;
  /** Not of a Weir of before this was said. */
  readonly rollout?: { readonly id: string; readonly entries: number; readonly percent: number } | null;
  readonly replayed: boolean;
}

const COUNTS = ['version', 'accepted', 'removed', 'unchanged', 'rejectedTotal', 'heldTotal'] as const;

export function isChangeAnswer(body: unknown): body is ChangeAnswer {
  if (typeof body !== 'object' || body === null) return false;
  const fields = body as Record<string, unknown>;
  return (
    COUNTS.every((key) => typeof fields[key] === 'number') &&
    Array.isArray(fields['rejected']) &&
    Array.isArray(fields['held'])
  );
}

/** Failure where something was sent and nothing of it counts; what only waits for an approval as it was meant to is good. */
export function changeExitCode({ accepted, removed, unchanged, rejectedTotal, held, heldTotal }: ChangeAnswer): number {
  if (accepted + removed + unchanged > 0 || rejectedTotal + heldTotal === 0) return ExitCode.ok;
  return heldTotal > 0 && held.every(({ code }) => code === 'proposed') ? ExitCode.ok : ExitCode.failure;
}

export function changeText(list: string, answer: ChangeAnswer): string {
  const { version, accepted, removed, unchanged, rejectedTotal, heldTotal, replayed } = answer;
  const counts = [
    `${accepted} accepted`,
    `${removed} removed`,
    ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
    ...(rejectedTotal > 0 ? [`${rejectedTotal} rejected`] : []),
    ...(heldTotal > 0 ? [`${heldTotal} held`] : []),
  ];
  const inForce = accepted + removed > 0 ? '; in force' : '';
  const again = replayed ? ' (done before with this idempotency key; nothing was done twice)' : '';
  const lines = [`${list} version ${version}: ${counts.join(', ')}${inForce}${again}`];
  if (answer.rollout) lines.push(stagedLine(answer.rollout));
  if (rejectedTotal > 0) lines.push(...rejectedLines(answer));
  if (heldTotal > 0) lines.push(...heldLines(answer));
  return lines.map((line) => `${terminalText(line)}\n`).join('');
}

function stagedLine({ id, entries, percent }: NonNullable<ChangeAnswer['rollout']>): string {
  const them = entries === 1 ? '1 entry holds' : `${entries} entries hold`;
  return `staged: ${them} for ${percent}% of the client networks until rollout ${id} goes on`;
}

function rejectedLines({ rejected, rejectedTotal }: ChangeAnswer): string[] {
  const shown = rejected.slice(0, ENTRIES_SHOWN).map(({ name, code, detail }) => `  ${name} [${code}] ${detail}`);
  return ['rejected:', ...shown, ...more(rejectedTotal - shown.length)];
}

/** A hold of many entries (a growth, a proposal in bulk) is one thing to decide on, and one line. */
function heldLines({ held, heldTotal }: ChangeAnswer): string[] {
  const byHold = Map.groupBy(held, ({ holdId }) => holdId);
  const holds = [...byHold].slice(0, ENTRIES_SHOWN);
  const isOne = byHold.size === 1 && holds.length === 1;
  const which = isOne ? (holds[0]?.[0] ?? '') : 'HOLD';
  return [
    'held, until somebody with the right approve decides:',
    ...holds.map(([id, entries]) => heldLine(id, entries, isOne ? heldTotal : entries.length)),
    ...(isOne ? [] : more(heldTotal - holds.reduce((sum, [, entries]) => sum + entries.length, 0))),
    `  weir holds release ${which} --reason "..."   or   weir holds reject ${which} --reason "..."`,
  ];
}

function heldLine(id: string, entries: readonly Held[], count: number): string {
  const [first] = entries;
  const { name = '', scope = '', code = '', detail = '' } = first ?? {};
  if (count === 1) return `  ${name} (${scope}) [${code}] hold ${id}: ${detail}`;
  const names = entries.slice(0, NAMES_SHOWN).map((entry) => entry.name);
  return `  ${count} entries [${code}] hold ${id}: ${detail} (${names.join(', ')}${count > names.length ? ', ...' : ''})`;
}

function more(count: number): string[] {
  return count > 0 ? [`  and ${count} more`] : [];
}
