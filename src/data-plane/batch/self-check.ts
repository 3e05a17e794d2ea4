/**
 * Proves at start that the batch calls do on this machine what their layouts say: two sockets on loopback, three
 * datagrams of different lengths in one call, received with their octets, lengths and sender. A wrong layout must fail
 * here, not in front of subscribers.
 */
import { type Libc, type LibcOutcome, loadLibc } from './libc.ts';
import { MessageBatch } from './message-batch.ts';
import { sockaddrBytes, sockaddrPort, writeSockaddr } from './sockaddr.ts';

const LENGTHS = [12, 1, 300];
const SLOTS = 4;
const SLOT_BYTES = 512;
const PORTS_TRIED = 50;
const FIRST_PORT = 49_152;

export type BatchSupport =
  { readonly kind: 'ok'; readonly libc: Libc } | { readonly kind: 'unavailable'; readonly reason: string };

let checked: BatchSupport | undefined;

/** Whether batches can be used, checked once a thread. Never throws. */
export function batchSupport(): BatchSupport {
  checked ??= checkBatches(loadLibc());
  return checked;
}

/** Whether these bindings can be used. Never throws. */
export function checkBatches(outcome: LibcOutcome): BatchSupport {
  if (outcome.kind === 'unavailable') return outcome;
  try {
    const problem = exchange(outcome.libc);
    return problem === undefined ? outcome : { kind: 'unavailable', reason: `self-check: ${problem}` };
  } catch (error) {
    return { kind: 'unavailable', reason: `self-check: ${(error as Error).message}` };
  }
}

function exchange(libc: Libc): string | undefined {
  const receiver = openOnLoopback(libc);
  const sender = openOnLoopback(libc);
  try {
    const outgoing = new MessageBatch(libc, false, SLOTS, SLOT_BYTES);
    for (const [slot, length] of LENGTHS.entries()) {
      outgoing.bytes.fill(slot + 1, slot * SLOT_BYTES, slot * SLOT_BYTES + length);
      writeSockaddr(outgoing.names, slot * outgoing.nameBytes, false, '127.0.0.1', receiver.port);
      outgoing.queue(slot, length);
    }
    let unsent = 0;
    outgoing.flush(sender.fd, () => unsent++);
    if (unsent > 0) return `${unsent} datagrams were not sent`;
    return compare(libc, receiver.fd, sender.port);
  } finally {
    libc.close(receiver.fd);
    libc.close(sender.fd);
  }
}

function compare(libc: Libc, fd: number, senderPort: number): string | undefined {
  const incoming = new MessageBatch(libc, false, SLOTS, SLOT_BYTES);
  const count = incoming.receive(fd, 0);
  if (count !== LENGTHS.length) return `received ${count} of ${LENGTHS.length} datagrams`;
  for (const [slot, length] of LENGTHS.entries()) {
    if (incoming.receivedBytes(slot) !== length)
      return `a length came as ${incoming.receivedBytes(slot)}, not ${length}`;
    const octets = incoming.bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length);
    if (!octets.every((octet) => octet === slot + 1)) return 'octets came changed';
    if (sockaddrPort(incoming.names, slot * incoming.nameBytes) !== senderPort) return 'the sender came wrong';
  }
  const again = incoming.receive(fd, 0);
  return again === -libc.EAGAIN ? undefined : `an empty socket said ${again}`;
}

function openOnLoopback(libc: Libc): { readonly fd: number; readonly port: number } {
  for (let attempt = 0; ; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (65_535 - FIRST_PORT));
    const sockaddr = new Uint8Array(sockaddrBytes(false));
    writeSockaddr(sockaddr, 0, false, '127.0.0.1', port);
    try {
      return { fd: libc.openUdp({ sockaddr, isV6: false, shared: false, receiveBufferBytes: 65_536 }), port };
    } catch (error) {
      if (attempt === PORTS_TRIED) throw error;
    }
  }
}
