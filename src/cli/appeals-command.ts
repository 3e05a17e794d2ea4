/** `weir appeals`: objections to blocks, and the decisions on them, through the admin API. */
import { Command } from 'commander';
import { appealsDecideCommand, appealsReviewCommand } from './appeals-decide.ts';
import { appealsListCommand } from './appeals-list.ts';
import { appealsShowCommand } from './appeals-show.ts';

export function appealsCommand(): Command {
  return new Command('appeals')
    .description('see objections to blocks, and decide on them')
    .addCommand(appealsListCommand())
    .addCommand(appealsShowCommand())
    .addCommand(appealsReviewCommand())
    .addCommand(appealsDecideCommand());
}
