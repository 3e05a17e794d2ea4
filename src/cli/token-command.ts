/** `weir token`: the operator's side of who may change lists. */
import { Command } from 'commander';
import { tokenCreateCommand } from './token-create.ts';
import { tokenListCommand } from './token-list.ts';
import { tokenRevokeCommand } from './token-revoke.ts';

export function tokenCommand(): Command {
  return new Command('token')
    .description('make, list and revoke the tokens of maintainers')
    .addCommand(tokenCreateCommand())
    .addCommand(tokenListCommand())
    .addCommand(tokenRevokeCommand());
}
