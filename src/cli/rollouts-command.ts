/** `weir rollouts`: entries that go into force for a part of the subscribers first, and moving them by hand. */
import { Command } from 'commander';
import { rolloutsListCommand } from './rollouts-list.ts';
import { rolloutsMoveCommand } from './rollouts-move.ts';

export function rolloutsCommand(): Command {
  return new Command('rollouts')
    .description('see what is in force for a part of the clients, and move it on or back')
    .addCommand(rolloutsListCommand())
    .addCommand(rolloutsMoveCommand('promote', 'go on to the next stage, which is everyone after the last one'))
    .addCommand(rolloutsMoveCommand('abort', 'take the entries of a rollout out of force'));
}
