/**
 * Proves at start that the batch calls do on this machine what their layouts say: two sockets on loopback, three
 * datagrams of different lengths in one call, received with their octets, lengths and sender. Once with an address for
 * each, as a listener sends, and once without, between connected sockets, as goes upstream; of both families. A wrong
 * layout must fail here, not in front of subscribers.
 */
import { type Libc, type LibcOutcome, loadLibc } from './libc.ts';
import { MessageBatch } from './message-batch.ts';
import { sockaddrBytes, writeSockaddr } from './sockaddr.ts';

const LENGTHS = [12, 1, 300];
const SLOTS = 4;
const SLOT_BYTES = 512;
const PORTS_TRIED = 50;
const FIRST_PORT = 49_152;
/** Why more than once: where the machine is flooded, loopback too may deliver late, or not. */
const ATTEMPTS = 3;
const PAUSE_MS = 5;
/** What a host says to a socket on ::1 that has no IPv6, or has it switched off. */
const WITHOUT_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'];

export type BatchSupport =
  { readonly kind: 'ok'; readonly libc: Libc } | { readonly kind: 'unavailable'; readonly reason: string };

interface Endpoint {
  readonly fd: number;
  readonly sockaddr: Uint8Array;
}

let checked: BatchSupport | undefined;

/** Whether batches can be used, checked once a thread. Never throws. */
export function batchSupport(): BatchSupport {
  checked ??= checkBatches(loadLibc());
  return checked;
}

/** Whether these bindings can be used. Never throws. Cost: a millisecond; a few more where they cannot. */
export function checkBatches(outcome: LibcOutcome): BatchSupport {
  if (outcome.kind === 'unavailable') return outcome;
  let problem = problemOf(outcome.libc);
  for (let attempt = 1; attempt < ATTEMPTS && problem !== undefined; attempt++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    problem = problemOf(outcome.libc);
  }
  return problem === undefined ? outcome : { kind: 'unavailable', reason: `self-check: ${problem}` };
}

function problemOf(libc: Libc): string | undefined {
  try {
    return problemOn(libc, '127.0.0.1') ?? problemOn(libc, '::1');
  } catch (error) {
    return (error as Error).message;
  }
}

function problemOn(libc: Libc, host: string): string | undefined {
  const isV6 = host.includes(':');
  const sockets: Endpoint[] = [];
  const open = (): Endpoint => {
    const socket = openOnLoopback(libc, isV6, host);
    sockets.push(socket);
    return socket;
  };
  try {
    const receiver = open();
    const sender = open();
    const problem = exchange(libc, isV6, sender, receiver, false);
    if (problem !== undefined) return `on ${host}: ${problem}`;
    libc.connect(receiver.fd, sender.sockaddr);
    libc.connect(sender.fd, receiver.sockaddr);
    const connected = exchange(libc, isV6, sender, receiver, true);
    return connected && `on ${host}, connected: ${connected}`;
  } catch (error) {
    if (isV6 && WITHOUT_IPV6.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  } finally {
    for (const { fd } of sockets) libc.close(fd);
  }
}

function exchange(
  libc: Libc,
  isV6: boolean,
  sender: Endpoint,
  receiver: Endpoint,
  isConnected: boolean,
): string | undefined {
  const outgoing = new MessageBatch(libc, isV6, SLOTS, SLOT_BYTES);
  for (const [slot, length] of LENGTHS.entries()) {
    outgoing.bytes.fill(slot + 1, slot * SLOT_BYTES, slot * SLOT_BYTES + length);
    if (isConnected) outgoing.queueConnected(slot, length);
    else {
      outgoing.names.set(receiver.sockaddr, slot * outgoing.nameBytes);
      outgoing.queue(slot, length);
    }
  }
  let unsent = 0;
  outgoing.flush(sender.fd, () => unsent++);
  return unsent > 0 ? `${unsent} datagrams were not sent` : compare(libc, isV6, sender, receiver);
}

function compare(libc: Libc, isV6: boolean, sender: Endpoint, { fd }: Endpoint): string | undefined {
  const incoming = new MessageBatch(libc, isV6, SLOTS, SLOT_BYTES);
  const count = incoming.receive(fd, 0);
  if (count !== LENGTHS.length) return `received ${count} of ${LENGTHS.length} datagrams`;
  for (const [slot, length] of LENGTHS.entries()) {
    if (incoming.receivedBytes(slot) !== length)
      return `a length came as ${incoming.receivedBytes(slot)}, not ${length}`;
    const octets = incoming.bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length);
    if (!octets.every((octet) => octet === slot + 1)) return 'octets came changed';
    const name = slot * incoming.nameBytes;
    if (!sender.sockaddr.every((octet, at) => octet === incoming.names[name + at])) return 'the sender came wrong';
  }
  const again = incoming.receive(fd, 0);
  return again === -libc.EAGAIN ? undefined : `an empty socket said ${again}`;
}

function openOnLoopback(libc: Libc, isV6: boolean, host: string): Endpoint {
  for (let attempt = 0; ; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (65_535 - FIRST_PORT));
    const sockaddr = new Uint8Array(sockaddrBytes(isV6));
    writeSockaddr(sockaddr, 0, isV6, host, port);
    try {
      return { fd: libc.openUdp({ sockaddr, isV6, shared: false, receiveBufferBytes: 65_536 }), sockaddr };
    } catch (error) {
      if (attempt === PORTS_TRIED || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
