/**
 * The side of a Weir that takes over (`weir serve --take-over`): finds the one that runs by the socket in the state
 * directory, has it give up its control plane before ours starts, and its ports when ours are bound.
 */
import { connect, type Socket } from 'node:net';
import { handOverPath, hearWords, sayWord } from './hand-over-socket.ts';

/** For it to finish what its control plane is doing; a second or two is what it takes at most. */
const RELEASE_MS_MAX = 15_000;

export class Predecessor {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    socket.on('error', () => socket.destroy());
  }

  /** Undefined: no Weir runs on that state directory. Errors: rejects where one may, and cannot be asked. */
  static find(stateDirectory: string): Promise<Predecessor | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connect(handOverPath(stateDirectory));
      socket.once('connect', () => {
        socket.off('error', onError);
        resolve(new Predecessor(socket));
      });
      const onError = (error: NodeJS.ErrnoException): void => {
        if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
        else reject(error);
      };
      socket.once('error', onError);
    });
  }

  /** Resolves when it has no control plane any more. Errors: rejects where it does not say so in time. */
  async release(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const released = new Promise<boolean>((resolve) => {
      hearWords(this.#socket, (word) => word === 'released' && resolve(true));
      timer = setTimeout(() => resolve(false), RELEASE_MS_MAX);
      void this.#closed.then(() => resolve(false));
    });
    sayWord(this.#socket, 'release');
    const isReleased = await released;
    clearTimeout(timer);
    if (!isReleased) throw new Error('the Weir that runs does not let another one take over');
  }

  /** Our ports are bound: resolves when it has answered what it had and has gone. */
  async leave(): Promise<void> {
    sayWord(this.#socket, 'leave');
    await this.#closed;
  }

  /** We have failed: it goes on. */
  abandon(): void {
    this.#socket.destroy();
  }
}
