/**
 * Keeps the certificate that threads show: reads it, looks whether its files have changed, and gives a good new one to
 * everyone; a bad one is told and counted, and the one before stays in force. Makes the ticket keys that let a client
 * resume with any thread, and new ones every few hours, so that what leaks once opens little. RFC 8446 2.2, RFC 9325 3.4.
 */
import { randomBytes } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { readCertificate } from '../config/certificate.ts';
import type { Config } from '../config/config.ts';
import type { TlsMaterial } from '../config/tls-material.ts';
import type { Log } from '../telemetry/log.ts';

/** Between two looks at the files. Why looked at and not watched: tools replace them through symbolic links. */
const LOOK_INTERVAL_MS = 1_000;
const TICKET_KEYS_MS = 3 * 3_600_000;
const TICKET_KEY_BYTES = 48;

export interface TlsReloads {
  ok: number;
  refused: number;
}

export class TlsKeeper {
  /** Changes of the certificate since the start. */
  readonly reloads: TlsReloads = { ok: 0, refused: 0 };
  #settings: Config['tls'];
  #material: TlsMaterial | undefined;
  #ticketKeys = randomBytes(TICKET_KEY_BYTES);
  /** State of the files when they were last read, and when they were last looked at. */
  #read = '';
  #seen = '';
  #isLooking = false;
  readonly #onChange: (isFirst: boolean) => void;
  readonly #log: Log;
  readonly #timers: NodeJS.Timeout[];

  /**
   * `onChange` is called when `material` or `reloads` is another. `isFirst`: the files have come only now, without a
   * configuration that makes listeners of it.
   */
  constructor(
    settings: Config['tls'],
    onChange: (isFirst: boolean) => void,
    log: Log,
    lookIntervalMs = LOOK_INTERVAL_MS,
  ) {
    this.#settings = settings;
    this.#onChange = onChange;
    this.#log = log;
    this.#loadFirst();
    this.#timers = [
      setInterval(() => this.#lookOnce(), lookIntervalMs).unref(),
      setInterval(() => this.#renewTicketKeys(), TICKET_KEYS_MS).unref(),
    ];
  }

  /** Undefined: none is configured, or none could be read yet. */
  get material(): TlsMaterial | undefined {
    return this.#material;
  }

  /** Follows a new configuration, whose certificate was found good; reads it anew. */
  configure(settings: Config['tls']): void {
    this.#settings = settings;
    const before = this.#material;
    this.#loadFirst();
    const isSame =
      this.#material?.certificate === before?.certificate &&
      this.#material?.key === before?.key &&
      this.#material?.name === before?.name;
    if (!isSame) this.#onChange(false);
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Why the state first: a change while they are read is then seen by the next look. */
  #loadFirst(): void {
    const { certificate, key } = this.#settings;
    this.#read = certificate === '' ? '' : `${stateNow(certificate)} ${stateNow(key)}`;
    const problem = this.#load();
    if (problem !== undefined) this.#log.error({ problem }, 'the certificate cannot be used');
  }

  /** Puts what the files hold in force. Returns why not, where it is no good. */
  #load(): string | undefined {
    const { certificate, key, name } = this.#settings;
    if (certificate === '') {
      this.#material = undefined;
      return undefined;
    }
    const outcome = readCertificate(certificate, key);
    if (outcome.kind === 'bad') return `tls.${outcome.file} ${outcome.message}`;
    const { value } = outcome;
    this.#material = {
      certificate: value.certificate,
      key: value.key,
      ticketKeys: this.#ticketKeys,
      name: name === '' ? value.dnsName : name,
      expiresAtSeconds: value.expiresAtSeconds,
    };
    return undefined;
  }

  #lookOnce(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#look().finally(() => (this.#isLooking = false));
  }

  async #look(): Promise<void> {
    const settings = this.#settings;
    const { certificate, key } = settings;
    if (certificate === '') return;
    const now = `${await stateOf(certificate)} ${await stateOf(key)}`;
    // Why: a reload meanwhile has read the files anew, and they may be others.
    if (settings !== this.#settings) return;
    const isSettled = now === this.#seen;
    this.#seen = now;
    if (now === this.#read) return;
    const { certificate: before } = this.#material ?? {};
    const problem = this.#load();
    // Why once more: the two files are not replaced at one moment, and what lies between fits nobody.
    if (problem !== undefined && !isSettled) return;
    this.#read = now;
    if (problem === undefined) {
      this.reloads.ok++;
      const isNew = this.#material?.certificate !== before;
      this.#log.info({ isNew, expiresAtSeconds: this.#material?.expiresAtSeconds }, 'the certificate is reread');
    } else {
      this.reloads.refused++;
      this.#log.error({ problem }, 'the changed certificate is refused; the one before stays in force');
    }
    this.#onChange(before === undefined && problem === undefined);
  }

  #renewTicketKeys(): void {
    this.#ticketKeys = randomBytes(TICKET_KEY_BYTES);
    if (this.#material === undefined) return;
    this.#material = { ...this.#material, ticketKeys: this.#ticketKeys };
    this.#onChange(false);
  }
}

/** What tells one state of a file from another; follows symbolic links. */
async function stateOf(file: string): Promise<string> {
  return stat(file, { bigint: true }).then(describe, () => 'missing');
}

function stateNow(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? 'missing' : describe(found);
}

function describe({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}-${ino}-${size}-${mtimeNs}-${ctimeNs}`;
}
