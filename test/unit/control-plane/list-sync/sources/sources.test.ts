import { describe, expect, test } from 'vitest';
import { SYNC_FAILURE_REASONS } from '../../../../../src/control-plane/list-sync/list-status.ts';
import { SOURCES } from '../../../../../src/control-plane/list-sync/sources/sources.ts';

/** A place of each kind where nothing is. */
const NOWHERE: Readonly<Record<keyof typeof SOURCES, string>> = {
  file: '/nonexistent/list.txt',
  https: 'https://127.0.0.1:1/list.txt',
};

describe.each(Object.entries(SOURCES))('a source of kind %s', (kind, sourceKind) => {
  const location = Object.entries(NOWHERE).find(([key]) => key === kind)?.[1] ?? '';
  const open = () => sourceKind.create({ location, refreshSeconds: 60, bytesMax: 1000, fetchTimeoutMs: 1000 });

  test('has its key in the table as its name', () => {
    expect(sourceKind.kind).toBe(kind);
  });

  test('where nothing is: a failure with a known reason and the place in its message', async () => {
    const source = open();
    const outcome = await source.read({ validators: undefined, force: false });
    source.close();
    expect(outcome.kind).toBe('failed');
    if (outcome.kind !== 'failed') return;
    expect(SYNC_FAILURE_REASONS).toContain(outcome.failure.reason);
    expect(outcome.failure.message).toContain(location);
  });

  test('may be closed twice, before and after it watches, and reads no more than a failure then', async () => {
    const source = open();
    source.close();
    source.watch(() => undefined);
    source.settle('failed');
    source.close();
    const outcome = await source.read({ validators: undefined, force: false });
    expect(outcome.kind).toBe('failed');
  });
});
