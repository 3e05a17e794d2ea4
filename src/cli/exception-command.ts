/** `weir exception`: names that the clients of one prefix are let through to, through the admin API. */
import { Command } from 'commander';
import { exceptionAddCommand } from './exception-add.ts';
import { exceptionEndCommand } from './exception-end.ts';
import { exceptionListCommand } from './exception-list.ts';

export function exceptionCommand(): Command {
  return new Command('exception')
    .description('let the clients of one prefix through to a blocked name for some hours')
    .addCommand(exceptionAddCommand())
    .addCommand(exceptionListCommand())
    .addCommand(exceptionEndCommand());
}
