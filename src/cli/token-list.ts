/** `weir token list`: which tokens there are, whose, for what, and how they stand. Never a secret: nobody has it. */
import { Command } from 'commander';
import { TokenStore, type TokenRow } from '../control-plane/ledger/token-store.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';
import { withLedger } from './operator-ledger.ts';
import { textTable, timeOfSeconds } from './terminal-text.ts';

interface ListOptions {
  readonly config: string;
  readonly json?: true;
}

export function tokenListCommand(): Command {
  return new Command('list')
    .description('show the tokens, without their secrets')
    .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
    .option('--json', 'one JSON array')
    .action(async (options: ListOptions) => {
      process.exitCode = await withLedger(options.config, 'read', (db) => {
        const tokens = new TokenStore(db).list();
        process.stdout.write(
          options.json === true ? `${JSON.stringify(tokens.map(jsonOf), undefined, 2)}\n` : tableOf(tokens),
        );
        return ExitCode.ok;
      });
    });
}

function tableOf(tokens: readonly TokenRow[]): string {
  if (tokens.length === 0) return 'there is no token\n';
  const rows = tokens.map((token) => [
    token.id,
    token.state,
    token.rights.join(','),
    token.lists.join(','),
    timeOfSeconds(token.createdAtSeconds),
    timeOrDash(token.expiresAtSeconds),
    token.maintainer,
  ]);
  return textTable(['ID', 'STATE', 'RIGHTS', 'LISTS', 'CREATED', 'EXPIRES', 'MAINTAINER'], rows);
}

function jsonOf({ createdAtSeconds, expiresAtSeconds, revokedAtSeconds, ...token }: TokenRow): Record<string, unknown> {
  return {
    ...token,
    createdAt: timeOfSeconds(createdAtSeconds),
    expiresAt: expiresAtSeconds === 0 ? null : timeOfSeconds(expiresAtSeconds),
    revokedAt: revokedAtSeconds === 0 ? null : timeOfSeconds(revokedAtSeconds),
  };
}

function timeOrDash(seconds: number): string {
  return seconds === 0 ? '-' : timeOfSeconds(seconds);
}
