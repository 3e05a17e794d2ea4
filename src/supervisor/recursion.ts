/**
 * Turns `recursive` among the upstreams of a configuration into the address of a recursor that runs: starts one when a
 * configuration first wants it, keeps it over reloads, and stops it when none wants it any more.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { RECURSIVE } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { findRecursor } from '../config/find-recursor.ts';
import type { Log } from '../telemetry/log.ts';
import { Recursor } from './recursor.ts';

/** Of its threads: recursion waits more than it works. */
const THREADS_MAX = 8;

export class Recursion {
  readonly #log: Log;
  #recursor: Recursor | undefined;
  #settings = '';

  constructor(log: Log) {
    this.#log = log;
  }

  /** The same configuration with the recursor's port. Errors: none; a recursor that does not start is an upstream that is down. */
  async apply(config: Config): Promise<Config> {
    const isWanted = config.upstreams.some(({ url }) => url === RECURSIVE);
    const settings = JSON.stringify([config.recursion, config.stateDirectory]);
    if (!isWanted || settings !== this.#settings) await this.stop();
    if (!isWanted) return config;
    this.#settings = settings;
    if (this.#recursor === undefined) {
      this.#recursor = new Recursor({
        program: findRecursor(config.recursion.program) ?? config.recursion.program,
        settings: {
          port: await freePort(),
          folder: join(config.stateDirectory, 'recursor'),
          threads: Math.min(config.workers, THREADS_MAX),
          cacheBytesMax: config.recursion.cacheBytesMax,
          include: config.recursion.include,
        },
        log: this.#log,
      });
      await this.#recursor.start();
    }
    const { port } = this.#recursor;
    return { ...config, upstreams: config.upstreams.map((one) => (one.url === RECURSIVE ? { ...one, port } : one)) };
  }

  async stop(): Promise<void> {
    const recursor = this.#recursor;
    this.#recursor = undefined;
    await recursor?.stop();
  }
}

/** Another program could take it before the recursor does; then the recursor ends, which is logged and tried again. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
