/**
 * The Unbound that resolves for `upstreams: [recursive]`: a child on a loopback port that stays the same while Weir
 * lives, watched by queries, started again with a growing delay, ended with Weir however Weir ends. The data plane sees
 * one more upstream and finds out by itself whether it answers; nothing here is on the path of a query.
 *
 *   start -> files -> child -> probe ... answers -> watch --silent or ended--> delay -> child
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { monotonicMs } from '../clock.ts';
import type { Log } from '../telemetry/log.ts';
import { answersLocally } from './recursor-probe.ts';
import { recursorConfiguration, ROOT_ANCHORS, TRUST_ANCHOR_FILE, type RecursorSettings } from './recursor-config.ts';

const RESTART_DELAY_MS_MIN = 200;
const RESTART_DELAY_MS_MAX = 10_000;
/** A child that lived this long starts over with the shortest delay. */
const HEALTHY_AFTER_MS = 60_000;
const PROBE_INTERVAL_MS = 2_000;
const PROBE_TIMEOUT_MS = 1_500;
/** Probes in a row without an answer, after which the child counts as stuck. */
const SILENT_PROBES_MAX = 5;
const READY_WAIT_MS = 15_000;
const READY_POLL_MS = 50;
const STOP_GRACE_MS = 3_000;
/** Lines of its log that are passed on, between one start and the next; a broken child can be talkative. */
const LINES_MAX = 200;
const LINE_CHARACTERS_MAX = 500;

/**
 * Runs "$@" and ends it when standard input closes, which it does however Weir ends, by SIGKILL too.
 * Why a shell: a child cannot be told to end with its parent in any other way that every system has.
 */
const LEASH = `exec 3<&0
"$@" </dev/null 3<&- &
child=$!
(cat <&3 >/dev/null; kill "$child") 2>/dev/null &
watcher=$!
exec 3<&-
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"`;

export interface RecursorOptions {
  readonly program: string;
  readonly settings: RecursorSettings;
  readonly log: Log;
}

export class Recursor {
  readonly #options: RecursorOptions;
  #child: ChildProcess | undefined;
  #startedAtMs = 0;
  #delayMs = RESTART_DELAY_MS_MIN;
  #restart: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #silentProbes = 0;
  #hasAnswered = false;
  #isProbing = false;
  #isStopping = false;
  #lines = 0;

  constructor(options: RecursorOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#options.settings.port;
  }

  /**
   * Resolves when it answers, after READY_WAIT_MS, or when it cannot even be started, with a word in the log: the upstream
   * counts as down till then.
   */
  async start(): Promise<void> {
    const isStarted = this.#launch();
    this.#watch = setInterval(() => void this.#probe(), PROBE_INTERVAL_MS);
    const deadlineMs = isStarted ? monotonicMs() + READY_WAIT_MS : 0;
    while (!this.#hasAnswered && !this.#isStopping && monotonicMs() < deadlineMs) {
      this.#hasAnswered = await answersLocally(this.port, PROBE_TIMEOUT_MS);
      if (!this.#hasAnswered) await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
    if (this.#hasAnswered) this.#options.log.info({ port: this.port }, 'the recursor answers');
    else if (!this.#isStopping)
      this.#options.log.error('the recursor does not answer yet; it is watched and tried again');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    clearInterval(this.#watch);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.stdin?.end();
    const force = setTimeout(() => killGroup(child), STOP_GRACE_MS);
    await ended;
    clearTimeout(force);
  }

  #writeFiles(): void {
    const { settings } = this.#options;
    mkdirSync(settings.folder, { recursive: true, mode: 0o700 });
    const anchor = join(settings.folder, TRUST_ANCHOR_FILE);
    // Why kept: Unbound writes into it which keys it has seen, and since when.
    if ((statSync(anchor, { throwIfNoEntry: false })?.size ?? 0) === 0) writeFileSync(anchor, ROOT_ANCHORS);
    writeFileSync(join(settings.folder, 'unbound.conf'), recursorConfiguration(settings));
  }

  /** False: its files cannot be written; it is tried again. */
  #launch(): boolean {
    const { program, settings, log } = this.#options;
    this.#startedAtMs = monotonicMs();
    try {
      this.#writeFiles();
    } catch (error) {
      log.error({ err: error }, 'the files of the recursor cannot be written');
      this.#startLater({});
      return false;
    }
    this.#silentProbes = 0;
    this.#lines = 0;
    const configuration = join(settings.folder, 'unbound.conf');
    const child = spawn('/bin/sh', ['-c', LEASH, 'weir-recursor', program, '-d', '-c', configuration], {
      stdio: ['pipe', 'ignore', 'pipe'],
      // A group of its own, so that all of it can be killed, and so that a terminal's Ctrl-C reaches Weir alone.
      detached: true,
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stderr }).on('line', (line) => this.#onLine(line));
    child.on('error', (error) => {
      log.error({ err: error }, 'the recursor cannot be started');
      // Why: what never was started does not exit.
      if (child.pid === undefined) this.#onExit(child, null, null);
    });
    child.on('exit', (code, signal) => this.#onExit(child, code, signal));
    return true;
  }

  #onLine(line: string): void {
    if (++this.#lines > LINES_MAX) return;
    const { log } = this.#options;
    const text = line.replaceAll(/\p{Cc}/gu, ' ').slice(0, LINE_CHARACTERS_MAX);
    if (/\b(?:error|fatal)\b/.test(line)) log.warn({ recursor: text }, 'the recursor reports');
    else log.debug({ recursor: text }, 'the recursor says');
  }

  #onExit(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#startLater({ code, signal });
  }

  #startLater(ended: object): void {
    if (this.#isStopping) return;
    if (monotonicMs() - this.#startedAtMs > HEALTHY_AFTER_MS) this.#delayMs = RESTART_DELAY_MS_MIN;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, RESTART_DELAY_MS_MAX);
    this.#options.log.error({ ...ended, delayMs }, 'the recursor has ended and is started again');
    this.#restart = setTimeout(() => this.#launch(), delayMs);
  }

  async #probe(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.#isProbing) return;
    this.#isProbing = true;
    const answers = await answersLocally(this.port, PROBE_TIMEOUT_MS);
    this.#isProbing = false;
    if (child !== this.#child) return;
    this.#silentProbes = answers ? 0 : this.#silentProbes + 1;
    if (this.#silentProbes < SILENT_PROBES_MAX) return;
    this.#options.log.error('the recursor is stuck and is replaced');
    killGroup(child);
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
