/**
 * The ledger as the operator's commands use it: the file in the state directory itself, beside a Weir that may be running.
 * Made privately where there is none; who may read what others should not is told. What goes wrong with it is a sentence
 * and an exit code.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Config } from '../config/config.ts';
import { describeProblems } from '../config/config-error.ts';
import { loadConfig } from '../config/load-config.ts';
import { LedgerUnusable, storeRefusal } from '../control-plane/ledger/ledger-failure.ts';
import { ledgerPath, openLedgerDatabase } from '../control-plane/ledger/open-database.ts';
import { ExitCode } from './exit-code.ts';

export type OpenLedger = ReturnType<typeof openLedgerDatabase>;
const OTHERS_MODE = 0o077;
/** A bulk change of a million entries keeps the ledger locked for some 20 s. */
const BUSY_TIMEOUT_MS = 120_000;
const PRIVATE_FOLDER_MODE = 0o700;

/** Runs the work on the ledger of a configuration. Returns the exit code; what is wrong is on standard error. */
export async function withLedger(
  configFile: string,
  access: 'read' | 'write',
  work: (db: OpenLedger, config: Config) => number | Promise<number>,
): Promise<number> {
  const outcome = loadConfig(configFile);
  if (outcome.kind === 'invalid') {
    process.stderr.write(`${describeProblems(configFile, outcome.problems)}\n`);
    return ExitCode.configuration;
  }
  const { config } = outcome;
  let db: OpenLedger | undefined;
  try {
    db = access === 'read' ? openToRead(config.stateDirectory) : openToWrite(config.stateDirectory);
    return await work(db, config);
  } catch (error) {
    const message = failureText(error);
    if (message === undefined) throw error;
    process.stderr.write(`weir: ${message}\n`);
    return ExitCode.failure;
  } finally {
    db?.close();
  }
}

/** Who acts, for the audit chain: the operator, by the account of the machine. */
export function operatorName(): string {
  try {
    return `operator:${userInfo().username}`;
  } catch {
    return `operator:${process.getuid?.() ?? ''}`;
  }
}

function openToRead(stateDirectory: string): OpenLedger {
  const db = openLedgerDatabase(stateDirectory, { readOnly: true });
  warnOfReaders(stateDirectory);
  return db;
}

function openToWrite(stateDirectory: string): OpenLedger {
  const isNewFolder = mkdirSync(stateDirectory, { recursive: true, mode: PRIVATE_FOLDER_MODE }) !== undefined;
  const path = ledgerPath(stateDirectory);
  const isNew = !existsSync(path);
  // Why: mkdir takes the umask into account, and a folder that is too closed to use would be of no use.
  if (isNewFolder) chmodSync(stateDirectory, PRIVATE_FOLDER_MODE);
  const db = openLedgerDatabase(stateDirectory);
  db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  if (isNew) giveToOwner(stateDirectory, path);
  if (isNewFolder && process.getuid?.() === 0) {
    process.stderr.write(`warning: ${stateDirectory} was made for root; if Weir runs as another user, chown it\n`);
  }
  warnOfReaders(stateDirectory);
  return db;
}

/** Why: root makes tokens, and Weir, which runs as another user, must be able to use the file afterwards. */
function giveToOwner(stateDirectory: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(stateDirectory);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chownSync(file, uid, gid);
}

function warnOfReaders(stateDirectory: string): void {
  const path = ledgerPath(stateDirectory);
  const mode = statSync(path).mode & 0o777;
  if ((mode & OTHERS_MODE) === 0) return;
  process.stderr.write(`warning: ${path} is open to other users (mode ${mode.toString(8)}); chmod 600 ${path}\n`);
}

function failureText(error: unknown): string | undefined {
  if (error instanceof LedgerUnusable) return error.message;
  return storeRefusal(error)?.message;
}
