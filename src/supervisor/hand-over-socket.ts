/**
 * Where a Weir that runs and one that is to succeed it speak with each other, and in which words: a Unix socket in the
 * state directory, for its owner alone; lines of one word. The successor connects and leads; a connection that ends
 * early means that it has failed, and the one before takes everything back.
 *
 *   successor: release ->   <- released   (binds and loads everything)   leave ->   <- (the end, when it has drained)
 */
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Socket } from 'node:net';

export type SuccessorWord = 'release' | 'leave';
export type PredecessorWord = 'released';

/** Of what the other side may send before a line ends; every word is far shorter. */
const WORD_BYTES_MAX = 64;

export function handOverPath(stateDirectory: string): string {
  return join(stateDirectory, 'weir.sock');
}

export function sayWord(socket: Socket, word: SuccessorWord | PredecessorWord): void {
  socket.write(`${word}\n`);
}

/** Calls `onWord` for each line; ends a connection that sends anything else than lines. */
export function hearWords(socket: Socket, onWord: (word: string) => void): void {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes = chunk.includes('\n') ? 0 : bytes + chunk.length;
    if (bytes > WORD_BYTES_MAX) socket.destroy();
  });
  createInterface({ input: socket }).on('line', onWord);
}
