/** `weir token revoke ID`: ends a token, from the next request on. What was done with it stays done, and on record. */
import { Command } from 'commander';
import { TokenStore } from '../control-plane/ledger/token-store.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';
import { operatorName, withLedger } from './operator-ledger.ts';

export function tokenRevokeCommand(): Command {
  return new Command('revoke')
    .description('end a token at once')
    .argument('<id>', 'its 8 characters, as weir token list shows them')
    .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
    .action(async (id: string, options: { config: string }) => {
      process.exitCode = await revoke(id, options.config);
    });
}

async function revoke(id: string, configFile: string): Promise<number> {
  if (!/^[0-9a-z]{8}$/.test(id)) {
    process.stderr.write('weir: the id of a token is its 8 characters between the underscores (weir token list)\n');
    return ExitCode.usage;
  }
  return withLedger(configFile, 'write', (db) => {
    const outcome = new TokenStore(db).revoke(id, operatorName());
    switch (outcome) {
      case 'revoked':
        process.stdout.write(`token ${id} is revoked\n`);
        return ExitCode.ok;
      case 'alreadyRevoked':
        process.stdout.write(`token ${id} was revoked before\n`);
        return ExitCode.ok;
      case 'unknown':
        process.stderr.write(`weir: there is no token ${id}\n`);
        return ExitCode.failure;
      default:
        return outcome satisfies never;
    }
  });
}
