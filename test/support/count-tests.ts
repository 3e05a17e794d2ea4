/**
 * Last step of .ci/run: sums the counts of vitest's JSON reports in a folder and prints them as one line alone,
 * "N passed, N failed, N skipped". Exits 1 if a test failed or none ran. A test file that could not be loaded has no
 * tests to count and counts as one failure; so does each failed step that left no failed test behind.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface VitestReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const [folder = '.', failedSteps = '0'] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const report: VitestReport = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  passed += report.numPassedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  for (const result of report.testResults) {
    const failures = result.assertionResults.filter((test) => test.status === 'failed').length;
    failed += failures > 0 || result.status === 'passed' ? failures : 1;
  }
}
if (failed === 0) failed = Number(failedSteps);

process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
