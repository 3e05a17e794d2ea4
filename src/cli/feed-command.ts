/** `weir feed`: the publisher's side of a signed feed. */
import { Command } from 'commander';
import { feedBuildCommand } from './feed-build.ts';
import { feedKeygenCommand } from './feed-keygen.ts';
import { feedVerifyCommand } from './feed-verify.ts';

export function feedCommand(): Command {
  return new Command('feed')
    .description('make keys for a signed feed, build one, check one')
    .addCommand(feedKeygenCommand())
    .addCommand(feedBuildCommand())
    .addCommand(feedVerifyCommand());
}
