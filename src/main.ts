/**
 * The entry: reads the command line, runs one command, turns what went wrong into an exit code. Everything that is built
 * for `serve` is built in supervisor/; nothing else starts threads or handles signals.
 */
import { Command, CommanderError } from 'commander';
import { ExitCode } from './cli/exit-code.ts';
import { hideEmptyDefaults } from './cli/help.ts';
import { serveCommand } from './cli/serve.ts';
import { versionOfWeir } from './cli/version.ts';

const program = new Command('weir')
  .description('A DNS resolver front-end that blocks fraud domains for internet providers.')
  .version(versionOfWeir())
  .showHelpAfterError('(weir --help says more)')
  .exitOverride()
  .addCommand(serveCommand())
  .addHelpText('after', '\nExit codes: 0 good, 1 failure, 2 usage, 78 configuration.\n');

/** In the order of --help. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./cli/check.ts')).checkCommand(),
  config: async () => (await import('./cli/config-check.ts')).configCommand(),
  list: async () => (await import('./cli/list-command.ts')).listCommand(),
  feed: async () => (await import('./cli/feed-command.ts')).feedCommand(),
  push: async () => (await import('./cli/push.ts')).pushCommand(),
  exception: async () => (await import('./cli/exception-command.ts')).exceptionCommand(),
  holds: async () => (await import('./cli/holds-command.ts')).holdsCommand(),
  rollouts: async () => (await import('./cli/rollouts-command.ts')).rolloutsCommand(),
  appeals: async () => (await import('./cli/appeals-command.ts')).appealsCommand(),
  token: async () => (await import('./cli/token-command.ts')).tokenCommand(),
  audit: async () => (await import('./cli/audit-command.ts')).auditCommand(),
};

// Why only the one that is called: what all of them import costs a start 40 MB and half a second.
const called = process.argv[2] ?? '';
for (const [name, load] of Object.entries(COMMANDS)) {
  if (name === called || (called !== 'serve' && !Object.hasOwn(COMMANDS, called))) program.addCommand(await load());
}

/** Why by hand: commander passes settings on to commands it makes itself, not to those it is given. */
function settle(command: Command): void {
  command.exitOverride();
  hideEmptyDefaults(command);
  command.commands.forEach(settle);
}
settle(program);

// Why not for `serve`: what becomes of its log must not end the service.
if (called !== 'serve') {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads a pipe may have seen enough (`| head`): that is no failure.
    process.exit(error.code === 'EPIPE' ? ExitCode.ok : ExitCode.failure);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  else {
    process.stderr.write(`weir: ${(error as Error).message}\n`);
    process.exitCode = ExitCode.failure;
  }
}
