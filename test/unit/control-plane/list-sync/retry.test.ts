import { rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JobOutcome } from '../../../../src/control-plane/list-sync/compile-client.ts';
import type { JobKind, JobOf } from '../../../../src/control-plane/list-sync/compile-jobs.ts';
import { RETRY_FIRST_MS, RETRY_MAX_MS, RetryTimer } from '../../../../src/control-plane/list-sync/retry-timer.ts';
import { LocalRunner, SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

/** The first jobs of one kind fail as if the thread had died. */
class FailingRunner extends LocalRunner {
  readonly #kind: JobKind;
  #left: number;

  constructor(kind: JobKind, times: number) {
    super();
    this.#kind = kind;
    this.#left = times;
  }

  override run<K extends JobKind>(job: JobOf<K>): Promise<JobOutcome<K>> {
    if (job.kind !== this.#kind || this.#left-- <= 0) return super.run(job);
    return Promise.resolve({ kind: 'failed', message: 'the compile thread ended: out of memory' });
  }
}

describe('a compile thread that dies', () => {
  let harness: SyncHarness;

  beforeEach(async () => {
    harness = await SyncHarness.create();
    harness.retryFirstMs = 1;
  });
  afterEach(async () => {
    await harness.remove();
  });

  test('while a list is parsed: it is parsed again, though nobody touches the file', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    const starting = harness.start(testConfig(harness.folder, [{ name: 'a', source }]), new FailingRunner('parse', 3));
    await harness.until(() => harness.verdict('bad.example') === 'blocked by a');
    await starting;
    expect(harness.statuses.filter(({ failure }) => failure?.reason === 'internal').length).toBeGreaterThanOrEqual(3);
    await harness.until(() => harness.status('a')?.version === 1);
    expect(harness.status('a')?.failure).toBeUndefined();
  });

  test('while an index is built: it is built again', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]), new FailingRunner('build', 3));
    await harness.until(() => harness.verdict('bad.example') === 'blocked by a');
    expect(harness.logged.filter((line) => line.includes('out of memory; the policy in force stays'))).toHaveLength(3);
  });
});

test('a list that could not be parsed for a spoiled guard file is, as soon as that is good again', async () => {
  const harness = await SyncHarness.create();
  try {
    const source = await harness.file('a.txt', 'bad.example\n');
    const names = await harness.file('protected.txt', '<html>an error page</html>');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }], { protected: [names] }));
    expect(harness.verdict('bad.example')).toBe('allowed');
    await writeFile(`${names}.new`, 'bank.example\n');
    await rename(`${names}.new`, names);
    await harness.until(() => harness.verdict('bad.example') === 'blocked by a');
  } finally {
    await harness.remove();
  }
});

describe('the timer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('waits twice as long after each failure, up to its limit, and begins anew after a success', () => {
    let tries = 0;
    const timer = new RetryTimer(() => void (tries += 1));
    for (let round = 0; round < 10; round += 1) {
      timer.later();
      vi.runOnlyPendingTimers();
    }
    expect(tries).toBe(10);
    timer.later();
    vi.advanceTimersByTime(RETRY_MAX_MS - 1);
    expect(tries).toBe(10);
    vi.advanceTimersByTime(1);
    expect(tries).toBe(11);
    timer.reset();
    timer.later();
    vi.advanceTimersByTime(RETRY_FIRST_MS - 1);
    expect(tries).toBe(11);
    vi.advanceTimersByTime(1);
    expect(tries).toBe(12);
    timer.later();
    vi.advanceTimersByTime(RETRY_FIRST_MS * 2 - 1);
    expect(tries).toBe(12);
    vi.advanceTimersByTime(1);
    expect(tries).toBe(13);
  });

  test('tries nothing after it was reset', () => {
    let tries = 0;
    const timer = new RetryTimer(() => void (tries += 1));
    timer.later();
    timer.reset();
    vi.advanceTimersByTime(RETRY_MAX_MS * 2);
    expect(tries).toBe(0);
  });
});
