/** kill -9 in the middle of a change, again and again: nothing acknowledged is lost, nothing is half. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AuditChain } from '../../../../src/control-plane/ledger/audit-chain.ts';
import { openLedgerDatabase } from '../../../../src/control-plane/ledger/open-database.ts';
import { namesOfChange } from '../../../fixtures/ledger-writer-names.ts';
import { startProgram } from '../../../support/child-program.ts';
import { ledgerSettings, listSettings, namesOf, openTestLedger, PUSHER } from '../../../support/ledger-harness.ts';
import { PROJECT_ROOT } from '../../../support/source-files.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** More of them: npm run test:chaos. */
const KILLS = Number(process.env['WEIR_TEST_KILLS'] ?? 5);
const KILL_TIMEOUT_MS = 20_000;
const SETTINGS = JSON.stringify(ledgerSettings([listSettings()]));

/** Starts the writer, kills it when it has acknowledged `acknowledged` changes; says which was the last. */
async function writeAndKill(folder: string, first: number, acknowledged: number): Promise<number> {
  const script = join(PROJECT_ROOT, 'test/fixtures/ledger-writer.ts');
  const lines = (output: string): string[] => output.split('\n').slice(0, -1);
  const isEnough = (output: string): boolean => lines(output).length >= acknowledged;
  const writer = await startProgram(process.execPath, [script, folder, String(first), SETTINGS], isEnough);
  writer.signal('SIGKILL');
  const { signal, stdout, stderr } = await writer.ended();
  expect([signal, stderr]).toEqual(['SIGKILL', '']);
  return Number(lines(stdout).at(-1));
}

test('whatever was acknowledged is there, each change as a whole', { timeout: KILLS * KILL_TIMEOUT_MS }, async () => {
  const folder = temporaryFolder('killed');
  let committed = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const last = await writeAndKill(folder, committed + 1, 1 + (kill % 4));
    const { store } = await openTestLedger({ stateDirectory: folder });
    const [newest, ...older] = await store.versions('desk', 1_000);
    committed = newest!.version;
    // It may have been killed between the commit and its word for it.
    expect([last, last + 1]).toContain(committed);
    expect(older.map(({ version }) => version)).toEqual(
      Array.from({ length: older.length }, (_, at) => committed - 1 - at),
    );
    const names = namesOfChange(committed);
    expect(await namesOf(store)).toEqual(names.map((name) => `subtree ${name}`).sort());
    expect(newest).toMatchObject({ reason: `change ${committed}`, entryCount: names.length });
    // Who got no answer asks again, and nothing happens twice.
    const again = await store.change({
      list: 'desk',
      actor: PUSHER,
      reason: `change ${committed}`,
      idempotencyKey: `k${committed}`,
      add: committed % 3 === 0 ? [] : names.map((name) => ({ name })),
      remove: committed % 3 === 0 ? [] : namesOfChange(committed - 1).map((name) => ({ name })),
    });
    expect(again).toMatchObject(
      committed % 3 === 0 ? { code: 'idempotencyMismatch' } : { isReplay: true, version: committed },
    );
    await store.close();
    const db = openLedgerDatabase(folder, { readOnly: true });
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    const audit = new AuditChain(db);
    expect([audit.verify().kind, audit.count()]).toEqual(['whole', committed]);
    db.close();
  }
  expect(committed).toBeGreaterThanOrEqual(KILLS);
});
