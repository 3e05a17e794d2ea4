/** An exception as the ledger shows it, everything left out filled in. */
import type { ExceptionRow } from '../../src/control-plane/ledger/exception.ts';

export function exceptionRow(fields: Partial<ExceptionRow> = {}): ExceptionRow {
  return {
    id: 'x1',
    name: 'bad.example',
    scope: 'subtree',
    clients: '192.0.2.0/24',
    reason: 'an investigation',
    createdBy: 'Province (cccccccc)',
    createdAtSeconds: 1_700_000_000,
    untilSeconds: 1_700_003_600,
    state: 'active',
    endedBy: undefined,
    endedAtSeconds: undefined,
    endReason: undefined,
    ...fields,
  };
}
