/**
 * `weir audit export`: the audit chain as JSON Lines on standard output, also while Weir runs. A whole export (without
 * --list) can be proved by `weir audit verify --file`, by anybody, on any machine.
 */
import { once } from 'node:events';
import { Command } from 'commander';
import { AuditChain } from '../control-plane/ledger/audit-chain.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';
import { startProgress } from './progress.ts';
import { withLedger } from './operator-ledger.ts';
import { listNameOf, wholeNumberIn } from './option-values.ts';

/** Records read at a time: each page is a short look into the ledger, which goes on being written. */
const PAGE_RECORDS = 1_000;

interface ExportOptions {
  readonly config: string;
  readonly after: number;
  readonly list?: string;
}

export function auditExportCommand(): Command {
  return new Command('export')
    .description('write the audit chain as JSON Lines')
    .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
    .option('--after <seq>', 'only records behind this one', wholeNumberIn(0, Number.MAX_SAFE_INTEGER), 0)
    .option('--list <name>', 'only records of this list (to read; it cannot be verified)', listNameOf)
    .action(async (options: ExportOptions) => {
      process.exitCode = await exportChain(options);
    });
}

async function exportChain({ config, after, list }: ExportOptions): Promise<number> {
  return withLedger(config, 'read', async (db) => {
    const chain = new AuditChain(db);
    const last = chain.head()?.seq ?? 0;
    // Why: a bar among the lines would spoil both.
    const progress = startProgress('records', process.stdout.isTTY ? 0 : Math.max(0, last - after));
    try {
      for (let behind = after; behind < last;) {
        const page = chain.readLines(behind, PAGE_RECORDS).filter(({ seq }) => seq <= last);
        if (page.length === 0) break;
        behind = page.at(-1)!.seq;
        page.forEach(() => progress.step());
        const lines = page.filter((record) => list === undefined || record.list === list);
        const text = lines.map(({ line }) => `${line}\n`).join('');
        if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
      }
      return ExitCode.ok;
    } finally {
      progress.end();
    }
  });
}
