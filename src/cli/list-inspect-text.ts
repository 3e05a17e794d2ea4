/** The words of `weir list inspect`: what is in a list, what is not, and what would be held. */
import type { ReadOutcome, ReadReport } from '../control-plane/list-sync/format/read-report.ts';
import { BAD_LINE_REASONS, SKIP_REASONS, type SkipReason } from '../control-plane/list-sync/format/list-format.ts';
import { GUARD_CODES, type GuardCode } from '../control-plane/list-sync/guard/guard.ts';
import type { HoldsSummary } from '../control-plane/list-sync/guard/holds-report.ts';

const SKIP_WORDS: Readonly<Record<SkipReason, string>> = {
  syntax: 'not in the syntax of the format',
  notAName: 'not a domain name',
  nameTooLong: 'name over 253 characters',
  labelTooLong: 'label over 63 characters',
  ipAddress: 'an address; DNS blocks names',
  wildcardInside: 'a wildcard inside the name',
  notABlock: 'legal, but blocks nothing',
  unsupportedRule: 'a rule that DNS cannot apply',
  urlWithPathOnSharedHost: 'one page of a host that unrelated people share',
  lineTooLong: 'line too long',
  binary: 'NUL in the line',
  tooManyEntries: 'more entries than allowed',
};
const GUARD_WORDS: Readonly<Record<GuardCode, string>> = {
  root: 'the root of the DNS',
  tld: 'top-level domains',
  publicSuffix: 'public suffixes',
  protected: 'protected names',
  popular: 'popular names',
  popularBelow: 'popular names below them',
  sharedHost: 'hosts that unrelated people share',
  listSource: 'hosts that lists come from',
};

export function inspectionText(file: string, outcome: ReadOutcome, holds: HoldsSummary): string {
  const lines: string[] = [];
  if (outcome.kind === 'refused') lines.push(`${file}: refused (${outcome.code}): ${outcome.message}`);
  const { report } = outcome;
  if (report !== undefined) lines.push(...reportLines(file, report), ...holdLines(holds));
  return `${lines.join('\n')}\n`;
}

function reportLines(file: string, report: ReadReport): string[] {
  const compressed = report.compression === 'none' ? '' : `, ${report.compression}`;
  const exceptions = report.exceptions === 0 ? '' : `, ${count(report.exceptions)} of them exceptions`;
  const lines = [
    `${file}: ${report.format}${compressed}, ${count(report.bytes)} bytes, sha256 ${report.sha256}`,
    `${count(report.entries)} entries${exceptions}, from ${count(report.lines)} lines`,
  ];
  if (report.entries === 0) lines.push('nothing in it would be blocked');
  for (const reason of SKIP_REASONS) {
    const skipped = report.skippedByReason[reason] ?? 0;
    if (skipped === 0) continue;
    const isBad = BAD_LINE_REASONS.has(reason) ? ' [wrong]' : '';
    lines.push(`${count(skipped)} skipped: ${reason} (${SKIP_WORDS[reason]})${isBad}`);
    for (const { lineNumber, text } of report.samples[reason] ?? []) lines.push(`  line ${lineNumber}: ${text}`);
  }
  if (report.badLinesPercent > 0) lines.push(`${report.badLinesPercent.toFixed(2)} % of the lines are wrong`);
  if (report.warningCount > 0) {
    lines.push(`${count(report.warningCount)} warnings`);
    for (const { lineNumber, text } of report.warnings) lines.push(`  line ${lineNumber}: ${text}`);
  }
  return lines;
}

function holdLines(holds: HoldsSummary): string[] {
  if (holds.total === 0) return ['0 would be held by the guard'];
  const lines = [`${count(holds.total)} would be held by the guard`];
  for (const guard of GUARD_CODES) {
    const held = holds.byGuard[guard] ?? 0;
    if (held === 0) continue;
    lines.push(`${count(held)} held: ${guard} (${GUARD_WORDS[guard]})`);
    for (const sample of holds.samples[guard] ?? []) {
      lines.push(`  line ${sample.lineNumber}: ${sample.name}: ${sample.detail}`);
    }
  }
  return lines;
}

function count(value: number): string {
  return value.toLocaleString('en');
}
