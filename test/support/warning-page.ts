/** The warning page's server on a policy of the test's own: every name below bad.example is blocked. */
import type { AppealDesk } from '../../src/control-plane/warning-page/appeal-answer.ts';
import type { ReferenceOf } from '../../src/control-plane/warning-page/entry-references.ts';
import type { LanguageFor } from '../../src/control-plane/warning-page/page-requests.ts';
import { createWarningPage } from '../../src/control-plane/warning-page/page-server.ts';
import type { BlockedHost } from '../../src/control-plane/warning-page/blocked-host.ts';
import { createCounters } from '../../src/telemetry/counters.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { testConfig } from './resolver-harness.ts';

export const BLOCKED: BlockedHost = {
  name: 'login.bad.example',
  target: undefined,
  entry: 'bad.example',
  category: 'investment',
  list: 'police-fraud',
  authority: 'City Police',
  order: 'authority',
  reference: undefined,
  version: 42,
  incident: '7K3M-Q2ZX-0H9D',
};

const log = createLog({ level: 'silent', name: 'page' });

export interface TestPageOptions {
  readonly blocked?: Partial<BlockedHost>;
  /** Keys under `warningPage`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly cells?: Float64Array;
  readonly desk?: AppealDesk;
  readonly languageFor?: LanguageFor;
  readonly referenceOf?: ReferenceOf;
}

export function testWarningPage(options: TestPageOptions = {}) {
  const { blocked = {}, config = {}, cells, desk, languageFor, referenceOf } = options;
  return createWarningPage({
    config: testConfig({ warningPage: config }).warningPage,
    judge: (host) => (host.endsWith('bad.example') ? { ...BLOCKED, name: host, ...blocked } : undefined),
    log,
    cells: cells ?? new Float64Array(createCounters()),
    desk,
    languageFor,
    referenceOf,
  });
}
