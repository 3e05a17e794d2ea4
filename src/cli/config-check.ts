/** `weir config check`: every problem of a configuration at once, with its key path and line. */
import { Command } from 'commander';
import { describeProblems } from '../config/config-error.ts';
import { loadConfig } from '../config/load-config.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';

export function configCommand(): Command {
  return new Command('config').description('look at a configuration').addCommand(
    new Command('check')
      .description('list every problem with its key path; exit 0, or 78 when there are any')
      .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
      .action((options: { config: string }) => {
        const outcome = loadConfig(options.config);
        if (outcome.kind === 'invalid') {
          process.stderr.write(`${describeProblems(options.config, outcome.problems)}\n`);
          process.exitCode = ExitCode.configuration;
          return;
        }
        for (const warning of outcome.warnings) process.stderr.write(`warning: ${warning}\n`);
        process.stdout.write(`${options.config}: good\n`);
      }),
  );
}
