/**
 * A program that floods: queries over UDP at a steady rate from the addresses of one network, sixty-four a system call, and
 * no look at what comes back, as a flood with forged addresses is. `node udp-flood.ts PORT RATE SECONDS ADDRESS...` writes,
 * at its end, as JSON how many queries the kernel took and in how many seconds.
 */
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { loadLibc } from '../../src/data-plane/batch/libc.ts';
import { MessageBatch } from '../../src/data-plane/batch/message-batch.ts';
import { sockaddrBytes, writeSockaddr } from '../../src/data-plane/batch/sockaddr.ts';
import { query } from './dns-client.ts';
import { runProgram } from './child-program.ts';

const SLOTS = 64;
const SLOT_BYTES = 128;
/** Names that are asked for again and again, of each kind. */
const KNOWN_NAMES = 16;
/** Where the digits of a new name are: behind the header, the length of the label and its letter. */
const DIGITS_AT = 14;
const DIGITS = 8;
const DIGITS_BASE = 10;
const IDLE_MS = 1;

export interface Flood {
  readonly sent: number;
  readonly seconds: number;
}

export interface FloodOptions {
  readonly port: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** Where the queries come from: 127.x.y.z. */
  readonly addresses: readonly string[];
}

/** A name that is listed, one that is asked for often, or one that is new: a third each. */
export function floodName(index: number): string {
  const which = index % KNOWN_NAMES;
  if (index % 3 === 0) return `a${which}.listed.example`;
  return index % 3 === 1 ? `h${which}.example.net` : `f${String(index).padStart(DIGITS, '0')}.example.net`;
}

/** Runs the program below in a process of its own. Errors: rejects where there are no batches of datagrams. */
export async function runFlood({ port, perSecond, seconds, addresses }: FloodOptions): Promise<Flood> {
  const args = [fileURLToPath(import.meta.url), String(port), String(Math.round(perSecond)), String(seconds)];
  const ended = await runProgram(process.execPath, [...args, ...addresses], { timeoutMs: (seconds + 60) * 1_000 });
  if (ended.code !== 0) throw new Error(`the flood ended with ${ended.code}:\n${ended.stderr}`);
  return JSON.parse(ended.stdout) as Flood;
}

function flood({ port, perSecond, seconds, addresses }: FloodOptions): Flood {
  const loaded = loadLibc();
  if (loaded.kind !== 'ok') throw new Error(loaded.reason);
  const { libc } = loaded;
  const target = new Uint8Array(sockaddrBytes(false));
  writeSockaddr(target, 0, false, '127.0.0.1', port);
  const sockets = addresses.map((address) => {
    const sockaddr = new Uint8Array(sockaddrBytes(false));
    writeSockaddr(sockaddr, 0, false, address, 0);
    const fd = libc.openUdp({ sockaddr, isV6: false, shared: false, receiveBufferBytes: 1 });
    libc.connect(fd, target);
    return fd;
  });
  const batch = new MessageBatch(libc, false, SLOTS, SLOT_BYTES);
  const lengths = Array.from({ length: SLOTS }, (_, slot) => {
    const message = query(floodName(slot));
    batch.bytes.set(message, slot * SLOT_BYTES);
    return message.length;
  });
  const waiting = new Int32Array(new SharedArrayBuffer(4));
  const startedMs = performance.now();
  let sent = 0;
  for (let turn = 0; ; turn++) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= seconds * 1_000) break;
    if (sent >= (elapsedMs / 1_000) * perSecond) {
      Atomics.wait(waiting, 0, 0, IDLE_MS);
      continue;
    }
    for (let slot = 0; slot < SLOTS; slot++) {
      if (slot % 3 === 2) writeDigits(batch.bytes, slot * SLOT_BYTES + DIGITS_AT, turn * SLOTS + slot);
      batch.queueConnected(slot, lengths[slot]!);
    }
    sent += SLOTS;
    // Why not again: a socket without a port behind it says so once, and an answer that finds no room is nobody's loss.
    batch.flush(sockets[turn % sockets.length]!, () => sent--);
  }
  return { sent, seconds: (performance.now() - startedMs) / 1_000 };
}

function writeDigits(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let i = DIGITS - 1; i >= 0; i--) {
    bytes[at + i] = 0x30 + (rest % DIGITS_BASE);
    rest = Math.floor(rest / DIGITS_BASE);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, perSecond, seconds] = process.argv.slice(2, 5).map(Number);
  const options = { port: port!, perSecond: perSecond!, seconds: seconds!, addresses: process.argv.slice(5) };
  process.stdout.write(JSON.stringify(flood(options)));
}
