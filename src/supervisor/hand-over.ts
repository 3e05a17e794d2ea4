/**
 * The side of a Weir that runs: waits at a Unix socket in its state directory for one that is to succeed it (`weir serve
 * --take-over`), gives up its control plane when asked, and its ports when the successor has them. The data plane answers
 * all the while. A successor that fails before that costs nothing: the control plane starts again.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../telemetry/log.ts';
import { handOverPath, hearWords, sayWord } from './hand-over-socket.ts';

/** Readable and writable by the owner alone. */
const UMASK = 0o177;

export interface HandOverActions {
  /** Ends the control plane: the admin listener, the lists, whatever writes below the state directory. */
  release(): Promise<void>;
  /** Starts it again. */
  resume(): void;
  /** Answers what has come, leaves the rest to the successor, ends. */
  leave(): void;
}

export class HandOver {
  readonly #path: string;
  readonly #stateDirectory: string;
  readonly #actions: HandOverActions;
  readonly #log: Log;
  #server: Server | undefined;
  #successor: Socket | undefined;

  constructor(stateDirectory: string, actions: HandOverActions, log: Log) {
    this.#path = handOverPath(stateDirectory);
    this.#stateDirectory = stateDirectory;
    this.#actions = actions;
    this.#log = log;
  }

  /** Errors: none; without it an upgrade needs a restart, which the log says. */
  async listen(): Promise<void> {
    try {
      mkdirSync(this.#stateDirectory, { recursive: true });
      if (await isAbandoned(this.#path)) rmSync(this.#path, { force: true });
      this.#server = await listenPrivately(this.#path, (socket) => this.#meet(socket));
      this.#server.unref();
    } catch (error) {
      this.#log.warn({ err: error, path: this.#path }, 'no other Weir can take over from this one: it needs a restart');
    }
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  #meet(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    // Why one at a time: two successors would each believe that the state directory is theirs.
    if (this.#successor !== undefined) {
      socket.destroy();
      return;
    }
    this.#successor = socket;
    let released: Promise<void> | undefined;
    let isLeaving = false;
    hearWords(socket, (word) => {
      if (word === 'release' && released === undefined) released = this.#release(socket);
      else if (word === 'leave' && released !== undefined && !isLeaving) {
        isLeaving = true;
        this.#log.info('another Weir has our ports: what has come is answered first');
        this.#actions.leave();
      }
    });
    socket.on('close', () => {
      this.#successor = undefined;
      if (released !== undefined && !isLeaving) void released.then(() => this.#resume());
    });
  }

  async #release(successor: Socket): Promise<void> {
    this.#log.info('another Weir is to take over: the control plane is left to it');
    // Why before: the successor is to listen there.
    this.close();
    await this.#actions.release();
    if (!successor.destroyed) sayWord(successor, 'released');
  }

  #resume(): void {
    this.#log.error('the Weir that was to take over has ended before it could: this one goes on');
    this.#actions.resume();
    void this.listen();
  }
}

/** Whether a socket file is there at which nobody listens: what a Weir left that was killed. */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}

function listenPrivately(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onConnection);
    server.once('error', reject);
    // Why not chmod afterwards: it would be open to everybody for a moment. The file is made before listen() returns.
    const umask = process.umask(UMASK);
    try {
      server.listen(path, () => resolve(server));
    } finally {
      process.umask(umask);
    }
  });
}
