/** The format of the audit chain as docs/audit.md describes it, held to by the program there: Python, and nothing of Weir. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AuditChain } from '../../src/control-plane/ledger/audit-chain.ts';
import { openLedgerDatabase } from '../../src/control-plane/ledger/open-database.ts';
import { runProgram, type ProgramResult } from '../support/child-program.ts';
import { readProjectFile } from '../support/source-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder('audit-python');
const program = join(folder, 'check.py');
writeFileSync(program, /```python\n([^]*?)```/.exec(readProjectFile('docs/audit.md'))![1]!);

async function check(lines: readonly string[]): Promise<ProgramResult> {
  const file = join(folder, 'export.jsonl');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return runProgram('python3', [program, file]);
}

test('a chain of ours holds for others, and what is done to it is found', async () => {
  const db = openLedgerDatabase(folder);
  const chain = new AuditChain(db);
  db.exec('BEGIN IMMEDIATE');
  for (const reason of ['案件 7', 'a "quoted" \\ one, with "data":{} and \u2028 in it', '']) {
    chain.append({
      actor: '反诈中心 (abcdefgh)',
      kind: 'change',
      list: 'desk',
      data: { reason, names: ['a'], n: 1.5 },
    });
    chain.append({ actor: 'system', kind: 'retention', list: undefined, data: {} });
  }
  db.exec('COMMIT');
  const lines = chain.readLines(0, 100).map(({ line }) => line);
  const { seq, hash } = chain.head()!;
  db.close();
  expect(await check(lines)).toMatchObject({ code: 0, stdout: `whole: 6 records, head ${seq}:${hash}\n`, stderr: '' });
  expect((await check(lines.with(2, lines[2]!.replace('quoted', 'altered')))).stderr).toBe(
    'record 3 is not what it was\n',
  );
  expect((await check(lines.toSpliced(1, 1))).stderr).toBe('record 2 is not what it was\n');
});
