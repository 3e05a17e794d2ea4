import { expect, test } from 'vitest';
import { UpdateGate } from '../../../../src/control-plane/list-sync/update-gate.ts';
import type { HeldUpdate } from '../../../../src/control-plane/list-sync/list-update.ts';

const held = (sha256: string): HeldUpdate => ({ guard: 'shrink', detail: 'less', sha256, validators: undefined });

test('an update that waits is warned of once, however often the source is asked, and the next one again', () => {
  const warned: object[] = [];
  const reported: (string | undefined)[] = [];
  const log = { info: () => undefined, error: () => undefined, warn: (fields: object) => void warned.push(fields) };
  const gate = new UpdateGate('list', {
    approvals: () => Promise.resolve(undefined),
    onHolds: ({ update }) => void reported.push(update?.sha256),
    log,
  });
  for (const sha256 of ['a', 'a', 'b', 'b']) gate.hold(held(sha256), undefined, 1);
  expect(warned).toHaveLength(2);
  expect(reported).toEqual(['a', 'a', 'b', 'b']);
  gate.letGo();
  gate.hold(held('b'), undefined, 1);
  expect(warned).toHaveLength(3);
});
