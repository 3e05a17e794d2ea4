/** What a push or a rollback came to: the API's answer, as text for people and as an exit code. */
import { ExitCode } from './exit-code.ts';
import { terminalText } from './terminal-text.ts';

/** Rejected and held entries shown of each kind; --json has all that the answer names. */
const ENTRIES_SHOWN = 20;

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
  if (rejectedTotal > 0) lines.push(...rejectedLines(answer));
  if (heldTotal > 0) lines.push(...heldLines(answer));
  return lines.map((line) => `${terminalText(line)}\n`).join('');
}

function rejectedLines({ rejected, rejectedTotal }: ChangeAnswer): string[] {
  const shown = rejected.slice(0, ENTRIES_SHOWN).map(({ name, code, detail }) => `  ${name} [${code}] ${detail}`);
  return ['rejected:', ...shown, ...more(rejectedTotal - shown.length)];
}

function heldLines({ held, heldTotal }: ChangeAnswer): string[] {
  const ids = [...new Set(held.map(({ holdId }) => holdId))];
  const shown = held
    .slice(0, ENTRIES_SHOWN)
    .map(({ name, scope, code, holdId, detail }) => `  ${name} (${scope}) [${code}] hold ${holdId}: ${detail}`);
  const which = ids.length === 1 ? ids[0] : 'HOLD';
  return [
    'held, until somebody with the right approve decides:',
    ...shown,
    ...more(heldTotal - shown.length),
    `  weir holds release ${which} --reason "..."   or   weir holds reject ${which} --reason "..."`,
  ];
}

function more(count: number): string[] {
  return count > 0 ? [`  and ${count} more`] : [];
}
