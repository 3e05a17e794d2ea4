/**
 * The entry: reads the command line, runs one command, turns what went wrong into an exit code. Everything that is built
 * for `serve` is built in supervisor/; nothing else starts threads or handles signals.
 */
import { Command, CommanderError } from 'commander';
import { ExitCode } from './cli/exit-code.ts';
import { serveCommand } from './cli/serve.ts';
import { versionOfWeir } from './cli/version.ts';

const program = new Command('weir')
  .description('A DNS resolver front-end that blocks fraud domains for internet providers.')
  .version(versionOfWeir())
  .showHelpAfterError('(weir --help says more)')
  .exitOverride()
  .addCommand(serveCommand())
  .addHelpText('after', '\nExit codes: 0 good, 1 failure, 2 usage, 78 configuration.\n');

// Why not for `serve`: what they import costs it 40 MB and a quarter of a second.
if (process.argv[2] !== 'serve') {
  const [{ checkCommand }, { configCommand }, { listCommand }, { feedCommand }] = await Promise.all([
    import('./cli/check.ts'),
    import('./cli/config-check.ts'),
    import('./cli/list-command.ts'),
    import('./cli/feed-command.ts'),
  ]);
  program.addCommand(checkCommand()).addCommand(configCommand()).addCommand(listCommand()).addCommand(feedCommand());
}

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
