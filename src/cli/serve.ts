/**
 * `weir serve`: runs until it is told to stop. SIGTERM and SIGINT drain and end with 0, a second one ends at once;
 * SIGHUP rereads configuration and lists, and a configuration that is refused leaves the old one in force.
 */
import { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/address.ts';
import { describeProblems } from '../config/config-error.ts';
import { loadConfig } from '../config/load-config.ts';
import { giveLargeBlocksBack } from '../memory.ts';
import { addressText } from '../supervisor/cannot-listen.ts';
import { HandOver } from '../supervisor/hand-over.ts';
import { Predecessor } from '../supervisor/predecessor.ts';
import { Recursion } from '../supervisor/recursion.ts';
import { StartError, type Started } from '../supervisor/started.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { DEFAULT_CONFIG, SAMPLE_LIST, SAMPLE_NAME } from './default-config.ts';
import { ExitCode } from './exit-code.ts';
import { versionOfWeir } from './version.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('answer queries: block what the lists name, forward the rest, export metrics')
    .option('--config <file>', 'configuration (YAML)', DEFAULT_CONFIG)
    .option('--take-over', 'succeed the Weir that runs on the same state directory, without losing a query', false)
    .addHelpText('after', '\nSignals: SIGTERM drains and ends, SIGHUP rereads configuration and lists.\n')
    .action(async (options: ServeOptions) => serve(options));
}

interface ServeOptions {
  readonly config: string;
  readonly takeOver: boolean;
}

async function serve({ config: configFile, takeOver }: ServeOptions): Promise<void> {
  // Why: whoever reads our standard error may go (a pipe, a terminal); that must not end the service.
  process.stderr.on('error', () => undefined);
  giveLargeBlocksBack();
  const outcome = loadConfig(configFile);
  if (outcome.kind === 'invalid') return end(ExitCode.configuration, describeProblems(configFile, outcome.problems));
  const { config, warnings } = outcome;
  const log = createLog({ level: config.log.level, name: 'main' });
  for (const warning of warnings) log.warn(warning);
  const version = versionOfWeir();
  const recursion = new Recursion(log);
  const supervisor = new Supervisor(await recursion.apply(config), version, log);
  const stop = createStop(supervisor, recursion, log);
  const handOver = new HandOver(
    config.stateDirectory,
    {
      release: async () => supervisor.release(),
      resume: () => supervisor.resume(),
      leave: () => stop('another Weir', true),
    },
    log,
  );
  process.on('exit', () => handOver.close());
  handleSignals(supervisor, recursion, configFile, stop, log);
  let predecessor: Predecessor | undefined;
  try {
    predecessor = takeOver ? await Predecessor.find(config.stateDirectory) : undefined;
    if (!takeOver) await refuseCompany(config.stateDirectory);
    const started = await supervisor.start(predecessor && (async () => predecessor?.release()));
    log.info({ version, ...addressesOf(started) }, 'ready');
    process.stderr.write(welcome(started, config));
  } catch (error) {
    await supervisor.stop();
    await recursion.stop();
    predecessor?.abandon();
    if (error instanceof StartError) return end(ExitCode.failure, `weir: ${error.message}`);
    throw error;
  }
  void predecessor?.leave().then(() => {
    supervisor.beAlone();
    log.info('the Weir before this one has gone');
  });
  await handOver.listen();
}

/** Errors: StartError where another Weir runs on the state directory: both would write what each takes for its own. */
async function refuseCompany(stateDirectory: string): Promise<void> {
  // Why no error of the search: where there is a Weir of another user, its files cannot be written either.
  const other = await Predecessor.find(stateDirectory).catch(() => undefined);
  if (other === undefined) return;
  other.abandon();
  throw new StartError(
    `another Weir runs on ${stateDirectory}: succeed it with --take-over, or set stateDirectory for one of them`,
  );
}

type Stop = (because: string, isSucceeded?: boolean) => void;

function createStop(supervisor: Supervisor, recursion: Recursion, log: Log): Stop {
  let isStopping = false;
  return (because, isSucceeded = false) => {
    if (isStopping) process.exit(ExitCode.failure);
    isStopping = true;
    log.info({ signal: because }, 'stopping: what is in flight is answered first');
    const stopped = supervisor.stop(isSucceeded).then(async () => recursion.stop());
    void stopped.then(() => {
      log.info('stopped');
      process.exit(ExitCode.ok);
    });
  };
}

function handleSignals(supervisor: Supervisor, recursion: Recursion, configFile: string, stop: Stop, log: Log): void {
  let reloading = Promise.resolve();
  process.on('SIGTERM', (signal) => stop(signal));
  process.on('SIGINT', (signal) => stop(signal));
  process.on('SIGHUP', () => {
    // Why: the ports are another Weir's by now, or nobody's.
    if (supervisor.isEnding) return log.warn('nothing is reread: this Weir is stopping');
    const outcome = loadConfig(configFile);
    if (outcome.kind === 'invalid') {
      log.error({ problems: outcome.problems }, 'the configuration is refused; the one before stays in force');
      supervisor.refuseReload();
      return;
    }
    for (const warning of outcome.warnings) log.warn(warning);
    log.level = outcome.config.log.level;
    log.info('configuration and lists are reread');
    // Why in turn: two reloads at once would start two recursors.
    reloading = reloading.then(async () => supervisor.reload(await recursion.apply(outcome.config)));
  });
}

/** Of the line that says what is bound. */
function addressesOf({ do53, dot, doh, admin, page, pageHttps }: Started) {
  return { do53, dot, doh, admin, page, pageHttps };
}

function end(code: number, text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = code;
}

/** What it listens on and what to type next: for whoever started it by hand. */
function welcome({ do53, dot, doh, admin, page, lists, skipped }: Started, config: Config): string {
  const entries = lists.reduce((sum, list) => sum + list.entries, 0);
  const names = `${entries.toLocaleString('en')} listed ${entries === 1 ? 'name' : 'names'}`;
  const first = do53[0];
  const query = first === undefined ? '' : `dig @${first.host} -p ${first.port}`;
  const isSample = config.lists.some(({ source }) => source === SAMPLE_LIST);
  const parts = [
    `Weir answers DNS on ${do53.map(addressText).join(' and ')} (UDP and TCP) and blocks ${names}`,
    `from ${lists.length} ${lists.length === 1 ? 'list' : 'lists'}; everything else goes to ${
      config.upstreams.map(({ url }) => url).join(', ') ||
      'nobody, for no upstream is configured and the system has none'
    }.`,
    dot.length === 0 ? '' : `DNS over TLS is on ${dot.map(addressText).join(' and ')}.`,
    doh.length === 0
      ? ''
      : `DNS over HTTPS is at ${doh.map((at) => `https://${addressText(at)}/dns-query`).join(' and ')}.`,
    admin === undefined
      ? ''
      : `Metrics are at ${isLoopback(admin.host) ? 'http' : 'https'}://${addressText(admin)}/metrics.`,
    page === undefined ? '' : `Blocked names lead to the warning page at http://${addressText(page)}/.`,
    skipped.length === 0 ? '' : `Left out, because this machine has no such address: ${skipped.join(', ')}.`,
    ...lists
      .filter(({ failure }) => failure !== undefined)
      .map(({ name, failure }) => `List ${name} is not loaded: ${failure}.`),
    query === ''
      ? ''
      : `Try: ${isSample ? `${query} ${SAMPLE_NAME}   (blocked)   and   ` : ''}${query} example.com   (answered). Ctrl-C stops it.`,
  ];
  return `\n${parts.filter((part) => part !== '').join(' ')}\n\n`;
}
