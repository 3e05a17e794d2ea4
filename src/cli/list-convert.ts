/**
 * `weir list convert FILE --to FORMAT`: any format in, any format out, as a stream. What the new format cannot say (an
 * exception in a hosts file, an exact name in a list of subtrees) is left out, counted and shown, never bent.
 */
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { Command } from 'commander';
import { formatNamed } from '../control-plane/list-sync/format/formats.ts';
import type { ListEntry, ListFormat } from '../control-plane/list-sync/format/list-format.ts';
import { readListFile } from '../control-plane/list-sync/format/read-list-file.ts';
import type { ReadOutcome } from '../control-plane/list-sync/format/read-report.ts';
import { ExitCode } from './exit-code.ts';
import { formatsHelp, parseFormatName, parseTargetFormat } from './list-format-option.ts';
import { listSource } from './list-source.ts';

const OUTPUT_CHARS = 64 * 1024;
const LEFT_OUT_SHOWN = 5;

interface ConvertOptions {
  readonly to: string;
  readonly format: string;
  readonly output?: string;
}

export function listConvertCommand(): Command {
  return new Command('convert')
    .description('read a list in any format and write it in another')
    .argument('<file>', 'the list; "-" is standard input')
    .requiredOption('--to <format>', 'format to write', parseTargetFormat)
    .option('--format <format>', 'format to read (detected from the content)', parseFormatName, 'auto')
    .option('--output <file>', 'where to write (standard output)')
    .addHelpText('after', formatsHelp())
    .action(async (file: string, options: ConvertOptions) => {
      const target = formatNamed(options.to);
      if (target !== undefined) process.exitCode = await convert(file, target, options);
    });
}

async function convert(file: string, target: ListFormat, options: ConvertOptions): Promise<number> {
  const output = openOutput(options.output);
  const leftOut: string[] = [];
  let written = 0;
  let leftOutCount = 0;
  output.write(target.write.header(file === '-' ? 'list' : basename(file).replaceAll(/[^\w.-]/g, '_')));
  const outcome = await readListFile(
    listSource(file),
    { format: options.format },
    {
      entry(entry) {
        const text = target.write.entry(entry);
        if (text === '') {
          leftOutCount++;
          if (leftOut.length < LEFT_OUT_SHOWN) leftOut.push(described(entry));
          return;
        }
        written++;
        output.write(text);
      },
    },
  );
  if (outcome.kind === 'read') output.write(target.write.footer());
  output.end(outcome.kind === 'read');
  report(file, target, outcome, written);
  if (leftOutCount > 0) {
    process.stderr.write(`${leftOutCount} left out, for ${target.name} cannot say them: ${leftOut.join(', ')}\n`);
  }
  return outcome.kind === 'read' ? ExitCode.ok : ExitCode.failure;
}

function report(file: string, target: ListFormat, outcome: ReadOutcome, written: number): void {
  if (outcome.kind === 'refused') {
    process.stderr.write(`weir: ${file}: ${outcome.message}\n`);
    return;
  }
  const skipped = Object.entries(outcome.report.skippedByReason).map(([reason, count]) => `${reason} ${count}`);
  const skippedText = skipped.length === 0 ? '' : `; lines skipped: ${skipped.join(', ')}`;
  process.stderr.write(
    `${written} ${written === 1 ? 'entry' : 'entries'} from ${outcome.report.format} to ${target.name}${skippedText}\n`,
  );
}

function described(entry: ListEntry): string {
  return `${entry.name} (${entry.scope}${entry.kind === 'exception' ? ' exception' : ''})`;
}

interface Output {
  write(text: string): void;
  /** A file is in place only after a whole conversion. */
  end(isWhole: boolean): void;
}

function openOutput(path: string | undefined): Output {
  const temporary = path === undefined ? undefined : `${path}.part`;
  const descriptor = temporary === undefined ? undefined : openSync(temporary, 'w');
  let text = '';
  const flush = (): void => {
    if (descriptor === undefined) process.stdout.write(text);
    else writeSync(descriptor, text);
    text = '';
  };
  // Why: the reader of a pipe may have seen enough (`| head`); that is no failure.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? ExitCode.ok : ExitCode.failure);
  });
  return {
    write(piece) {
      text += piece;
      if (text.length >= OUTPUT_CHARS) flush();
    },
    end(isWhole) {
      flush();
      if (descriptor === undefined || temporary === undefined || path === undefined) return;
      closeSync(descriptor);
      if (isWhole) renameSync(temporary, path);
      else rmSync(temporary);
    },
  };
}
