/** One objection as a terminal may have it. What strangers wrote is in it: nothing of it moves a cursor. */
import type { ApiRow } from './api-pages.ts';
import { fieldText, terminalText } from './terminal-text.ts';

/** Two lines. */
export function appealHeadText(appeal: ApiRow): string {
  const field = (key: string): string => fieldText(appeal, key);
  const overdue = appeal['overdue'] === true ? ', OVERDUE' : '';
  return lines([
    `${field('id')}  ${field('list')}  ${field('name')}  ${field('state')}${overdue}`,
    `    ${field('who')}, received ${field('createdAt')}, to be decided by ${field('dueAt')}`,
  ]);
}

/** All of it. */
export function appealText(appeal: ApiRow): string {
  const field = (key: string): string => fieldText(appeal, key);
  const rows = [
    `    entry ${field('entry')}, incident ${field('incident')}, proof of control: ${field('ownerProof')}`,
    `    contact: ${field('contact')}`,
    ...field('reason')
      .split('\n')
      .map((line, index) => (index === 0 ? `    reason: ${line}` : `            ${line}`)),
    `    evidence: ${field('evidenceUrl')}`,
  ];
  if (field('decidedAt') !== '') {
    rows.push(`    ${field('state')} by ${field('decidedBy')} at ${field('decidedAt')}: ${field('decisionReason')}`);
  }
  return appealHeadText(appeal) + lines(rows);
}

function lines(texts: readonly string[]): string {
  return texts.map((line) => `${terminalText(line).trimEnd()}\n`).join('');
}
