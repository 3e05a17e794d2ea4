/**
 * The entry: reads the command line, runs one command, turns what went wrong into an exit code. Everything that is built
 * for `serve` is built in supervisor/; nothing else starts threads or handles signals.
 */
import { Command, CommanderError } from 'commander';
import { checkCommand } from './cli/check.ts';
import { configCommand } from './cli/config-check.ts';
import { ExitCode } from './cli/exit-code.ts';
import { listCommand } from './cli/list-command.ts';
import { serveCommand } from './cli/serve.ts';
import { versionOfWeir } from './cli/version.ts';

const program = new Command('weir')
  .description('A DNS resolver front-end that blocks fraud domains for internet providers.')
  .version(versionOfWeir())
  .showHelpAfterError('(weir --help says more)')
  .exitOverride()
  .addCommand(serveCommand())
  .addCommand(checkCommand())
  .addCommand(configCommand())
  .addCommand(listCommand())
  .addHelpText('after', '\nExit codes: 0 good, 1 failure, 2 usage, 78 configuration.\n');

/** Why by hand: commander passes exitOverride on to commands it makes itself, not to those it is given. */
function overrideExits(command: Command): void {
  command.exitOverride();
  command.commands.forEach(overrideExits);
}
overrideExits(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  else {
    process.stderr.write(`weir: ${(error as Error).message}\n`);
    process.exitCode = ExitCode.failure;
  }
}
