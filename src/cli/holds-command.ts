/** `weir holds`: what the guard keeps out of force, and the decisions on it, through the admin API. */
import { Command } from 'commander';
import { holdsDecideCommand } from './holds-decide.ts';
import { holdsListCommand } from './holds-list.ts';

export function holdsCommand(): Command {
  return new Command('holds')
    .description('see what is held, and decide on it')
    .addCommand(holdsListCommand())
    .addCommand(holdsDecideCommand('release', 'let what is held go into force'))
    .addCommand(holdsDecideCommand('reject', 'decide that what is held stays out of force'));
}
