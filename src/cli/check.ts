/**
 * `weir check`: what would happen to each name and why; in the place of a name, the incident id that somebody was shown,
 * which stands for the entry that blocked. Loads the lists as `weir serve` does, once, and asks the same policy code;
 * sends no query. Exit 0 whatever the verdict, 2 on a bad name or an id of no entry, 78 on a bad configuration.
 */
import { Command } from 'commander';
import { SingleBar } from 'cli-progress';
import { wallClockMs } from '../clock.ts';
import { describeProblems } from '../config/config-error.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/config.ts';
import { findIncidentInIndex } from '../control-plane/admin/find-incident.ts';
import { NO_LEDGER, openLedgerReader, type LedgerReader } from '../control-plane/ledger/ledger-reader.ts';
import { normaliseName } from '../control-plane/list-sync/format/normalise-name.ts';
import { loadGuard } from '../control-plane/list-sync/guard-files.ts';
import { guardFilesOnce, loadPolicyOnce, type LoadedPolicy } from '../control-plane/list-sync/load-policy-once.ts';
import { clientOctets } from '../policy/address.ts';
import { typeNumber } from '../dns/iana.ts';
import { nameFromText, nameToText } from '../dns/name.ts';
import { Policy } from '../policy/policy.ts';
import { type IncidentParts, isTypedIncident, readIncident } from '../policy/read-incident.ts';
import { NameChecker, type CheckResult } from './check-name.ts';
import { describeCheck } from './check-text.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';

const CHECK_NAMES_MAX = 10_000;
const DEFAULT_TYPES = ['A', 'AAAA'];

interface CheckFlags {
  readonly config: string;
  readonly type?: string;
  readonly client?: string;
  readonly json?: true;
}

export function checkCommand(): Command {
  return new Command('check')
    .description('say what would happen to a name, and why; exit 0 whatever the verdict')
    .argument('<name...>', 'domain names, international ones too, or incident ids')
    .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
    .option('--type <type>', 'query type to show the answer of (default: A and AAAA)')
    .option('--client <address>', 'client address: whether it is served, and which rules hold for it')
    .option('--json', 'one JSON array, one object a name')
    .action(async (names: readonly string[], flags: CheckFlags) => check(names, flags));
}

async function check(texts: readonly string[], flags: CheckFlags): Promise<void> {
  const types = (flags.type === undefined ? DEFAULT_TYPES : [flags.type]).map((text) => typeNumber(text.toUpperCase()));
  const names = texts.slice(0, CHECK_NAMES_MAX).map((text) => ({ text, name: askedFor(text) }));
  const problems = [
    ...(texts.length > CHECK_NAMES_MAX ? [`more than ${CHECK_NAMES_MAX} names at once`] : []),
    ...names.flatMap(({ text, name }) => (name.kind === 'bad' ? [`${JSON.stringify(text)}: ${name.why}`] : [])),
    ...(types.includes(undefined) ? [`"${flags.type}" is not a query type`] : []),
    ...(flags.client !== undefined && clientOctets(flags.client) === undefined
      ? [`"${flags.client}" is not an IP address`]
      : []),
  ];
  if (problems.length > 0) return end(ExitCode.usage, problems.map((problem) => `weir check: ${problem}`).join('\n'));
  const outcome = loadConfig(flags.config);
  if (outcome.kind === 'invalid') return end(ExitCode.configuration, describeProblems(flags.config, outcome.problems));
  const { config } = outcome;
  const loaded = await load(config);
  tellAboutLists(loaded);
  const nowSeconds = Math.floor(wallClockMs() / 1000);
  const ledger = openLedger(config.stateDirectory);
  const checker = new NameChecker(config, loaded, {
    ledger,
    types: types.filter((type) => type !== undefined),
    client: flags.client,
    nowSeconds,
    guard: async () => {
      const guard = await loadGuard(await guardFilesOnce(config));
      return guard.kind === 'guard' ? guard.guard : undefined;
    },
  });
  const results: CheckResult[] = [];
  const policy = new Policy(loaded.policy);
  for (const { text, name } of names) {
    if (name.kind === 'bad') continue;
    // Why the ledger too: who was blocked may ask when the entry has left its list.
    const found =
      name.kind === 'name'
        ? name.name
        : ((await findIncidentInIndex(() => policy, name.parts, nowSeconds)) ??
          (await ledger.findIncident(text))?.entry.name);
    if (found === undefined) tellUnknown(text);
    else results.push(await checker.check(found));
  }
  ledger.close();
  const text = flags.json === true ? JSON.stringify(results, undefined, 2) : results.map(describeCheck).join('\n\n');
  if (results.length > 0 || flags.json === true) process.stdout.write(`${text}\n`);
}

/** One that cannot be read is told of; the lists are looked at all the same. */
function openLedger(stateDirectory: string): LedgerReader {
  try {
    return openLedgerReader(stateDirectory);
  } catch (error) {
    process.stderr.write(
      `warning: the ledger cannot be read: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return NO_LEDGER;
  }
}

function tellUnknown(incident: string): void {
  process.stderr.write(`weir check: no entry that is kept has the incident id ${incident}\n`);
  process.exitCode = ExitCode.usage;
}

/** Long work shows a bar on a terminal, nothing in a pipe. */
async function load(config: Config): Promise<LoadedPolicy> {
  if (!process.stderr.isTTY) return loadPolicyOnce(config);
  const bar = new SingleBar({ format: 'loading {what} [{bar}] {value}/{total}', clearOnComplete: true });
  bar.start(1, 0, { what: '' });
  try {
    return await loadPolicyOnce(config, {
      onProgress: (done, total, what) => {
        bar.setTotal(total);
        bar.update(done, { what });
      },
    });
  } finally {
    bar.stop();
  }
}

function tellAboutLists({ statuses, warnings }: LoadedPolicy): void {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  for (const { name, version, failure } of statuses) {
    if (failure === undefined) continue;
    const instead =
      version === 0 ? 'nothing of it is looked at' : `its last good copy (version ${version}) is looked at`;
    process.stderr.write(`warning: list ${name}: ${failure.message}; ${instead}\n`);
  }
}

type Asked =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'incident'; readonly parts: IncidentParts }
  | { readonly kind: 'bad'; readonly why: string };

const WHY_BAD: Readonly<Record<string, string>> = {
  ipAddress: 'an IP address, not a domain name',
  nameTooLong: 'longer than a domain name can be (253 characters)',
  labelTooLong: 'a label of it is longer than 63 characters',
  wildcardInside: 'a "*" may stand only at the front',
};

/** What a person writes as a domain name: U-labels, a trailing dot, a URL pasted whole, master-file escapes; or an id. */
function askedFor(text: string): Asked {
  const parts = isTypedIncident(text) ? readIncident(text) : undefined;
  if (parts !== undefined) return { kind: 'incident', parts };
  const normalised = normaliseName(text);
  if (normalised.kind === 'name') return { kind: 'name', name: normalised.name };
  const wire = text.includes('\\') ? nameFromText(text) : undefined;
  if (wire !== undefined) return { kind: 'name', name: nameToText(wire, 0).toLowerCase() };
  return { kind: 'bad', why: WHY_BAD[normalised.reason] ?? 'not a domain name' };
}

function end(code: number, text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = code;
}
