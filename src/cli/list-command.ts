/** `weir list`: what can be done with a list file. */
import { Command } from 'commander';
import { listConvertCommand } from './list-convert.ts';
import { listInspectCommand } from './list-inspect.ts';

export function listCommand(): Command {
  return new Command('list')
    .description('look at a list, or turn it into another format')
    .addCommand(listInspectCommand())
    .addCommand(listConvertCommand());
}
