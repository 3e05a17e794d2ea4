/** `weir list`: what can be done with a list file, and with the versions of a push list. */
import { Command } from 'commander';
import { listConvertCommand } from './list-convert.ts';
import { listInspectCommand } from './list-inspect.ts';
import { listRollbackCommand } from './list-rollback.ts';
import { listVersionsCommand } from './list-versions.ts';

export function listCommand(): Command {
  return new Command('list')
    .description('look at a list or turn it into another format; the versions of a push list')
    .addCommand(listInspectCommand())
    .addCommand(listConvertCommand())
    .addCommand(listVersionsCommand())
    .addCommand(listRollbackCommand());
}
