/** What axe-core, which has its home in this folder, finds wrong in a page as it is rendered: WCAG 2.2 A and AA and good practice. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { z } from 'zod';

const OPTIONS = {
  resultTypes: ['violations', 'incomplete'],
  // Off unless asked for: 24 pixels for a finger (WCAG 2.2, 2.5.8).
  rules: { 'target-size': { enabled: true } },
};

const findings = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));
const resultShape = z.object({ violations: findings, incomplete: findings, passes: z.array(z.unknown()) });

export interface AccessibilityReport {
  /** `rule: element`. */
  readonly violations: readonly string[];
  /** What axe could not decide. */
  readonly undecided: readonly string[];
  readonly rulesPassed: number;
}

/** Why through the debugger: the page's policy forbids every script, and stays in force. */
export async function checkAccessibility(page: Page): Promise<AccessibilityReport> {
  const session = await page.context().newCDPSession(page);
  const expression = `${axe.source};axe.run(document, ${JSON.stringify(OPTIONS)})`;
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails !== undefined) throw new Error(`axe: ${exceptionDetails.text}`);
  const { violations, incomplete, passes } = resultShape.parse(result.value);
  return { violations: lines(violations), undecided: lines(incomplete), rulesPassed: passes.length };
}

function lines(found: z.output<typeof findings>): string[] {
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
