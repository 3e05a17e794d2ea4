/**
 * `weir audit verify`: walks the whole chain, of the ledger or of an export, and says whether it holds, or where it is
 * broken first. Prints the head to be noted somewhere else: `--expect` compares with what was noted, which alone shows a
 * chain that was cut short or written anew by somebody who can write the file.
 */
import { statSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { describeReadError } from '../config/file-access.ts';
import { AuditChain } from '../control-plane/ledger/audit-chain.ts';
import { parseRecordLine } from '../control-plane/ledger/audit-record.ts';
import { ChainCheck, type Anchor, type ChainReport } from '../control-plane/ledger/chain-check.ts';
import { auditLines } from './audit-lines.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';
import { startProgress } from './progress.ts';
import { withLedger } from './operator-ledger.ts';

const ANCHORS_MAX = 10_000;

interface VerifyOptions {
  readonly config: string;
  readonly file?: string;
  readonly part?: true;
  readonly expect: readonly Anchor[];
  readonly json?: true;
}

const HELP = `
A chain shows that no record was changed, taken out, moved or put in, as long as its head cannot be replaced too. Whoever
can write the ledger's file can write a whole new chain: note the head that this prints at some other place (another
machine, a ticket, paper), and compare with --expect from time to time.
`;

export function auditVerifyCommand(): Command {
  return new Command('verify')
    .description('prove that nothing of the audit chain was removed or altered; exit 1 if something was')
    .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
    .option('--file <file>', 'an export instead of the ledger; "-" is standard input')
    .option('--part', 'with --file: it need not begin with the first record')
    .option('--expect <seq:hash>', 'a head that was noted earlier (may be repeated)', collectAnchor, [])
    .option('--json', 'one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: VerifyOptions) => {
      process.exitCode = await verify(options);
    });
}

function collectAnchor(text: string, before: readonly Anchor[]): readonly Anchor[] {
  const match = /^([1-9]\d{0,14}):([0-9a-f]{64})$/i.exec(text);
  if (match === null) throw new InvalidArgumentError('It is SEQ:HASH, as weir audit verify prints the head.');
  if (before.length >= ANCHORS_MAX) throw new InvalidArgumentError(`At most ${ANCHORS_MAX}.`);
  return [...before, { seq: Number(match[1]), hash: (match[2] ?? '').toLowerCase() }];
}

async function verify(options: VerifyOptions): Promise<number> {
  const { file, expect, config } = options;
  if (file !== undefined) return report(await verifyFile(file, expect, options.part === true), options);
  if (options.part === true) {
    process.stderr.write('weir: --part is for an export (--file)\n');
    return ExitCode.usage;
  }
  return withLedger(config, 'read', (db) => {
    const chain = new AuditChain(db);
    const progress = startProgress('records', chain.count());
    try {
      return report(chain.verify({ anchors: expect, onRecord: () => progress.step() }), options);
    } finally {
      progress.end();
    }
  });
}

/** A text: why it cannot be read. */
async function verifyFile(file: string, anchors: readonly Anchor[], isPart: boolean): Promise<ChainReport | string> {
  const check = new ChainCheck(anchors, isPart);
  const bytesTotal = file === '-' ? 0 : (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const progress = startProgress('KiB', Math.ceil(bytesTotal / 1024), 16 * 1024);
  let lineNumber = 0;
  let bytes = 0;
  try {
    for await (const line of auditLines(file, takeBytes)) {
      lineNumber += 1;
      const record = parseRecordLine(line);
      if (record === undefined) return `line ${lineNumber} of ${file} is no record of an audit chain as Weir writes it`;
      const broken = check.next(record, record.hash);
      if (broken !== undefined) return { ...broken, message: `${broken.message} (line ${lineNumber})` };
    }
  } catch (error) {
    return `${file}: ${describeReadError(error)}`;
  } finally {
    progress.end();
  }
  return check.end();

  function takeBytes(count: number): void {
    for (bytes += count; bytes >= 1024; bytes -= 1024) progress.step();
  }
}

function report(outcome: ChainReport | string, { json }: VerifyOptions): number {
  if (typeof outcome === 'string') {
    process.stderr.write(`weir: ${outcome}\n`);
    return ExitCode.failure;
  }
  if (json === true) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  if (outcome.kind === 'broken') {
    process.stderr.write(`weir: the audit chain is broken (${outcome.break}): ${outcome.message}\n`);
    return ExitCode.failure;
  }
  if (json !== true) process.stdout.write(textOf(outcome));
  return ExitCode.ok;
}

function textOf({ records, firstSeq, head }: Extract<ChainReport, { kind: 'whole' }>): string {
  if (head === undefined) return 'whole: there is no record yet\n';
  const part = firstSeq === 1 ? '' : `; what was before record ${firstSeq} is not looked at`;
  const count = `${records} ${records === 1 ? 'record' : 'records'}`;
  return `whole: ${count}, ${firstSeq} to ${head.seq}${part}\nhead: ${head.seq}:${head.hash}\n`;
}
