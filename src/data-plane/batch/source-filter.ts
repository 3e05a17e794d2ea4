/**
 * Has the kernel drop most datagrams of some senders before they take a place in a socket's queue, which everybody
 * shares: a socket filter (classic BPF) that compares the source address in the IP header. Which senders is the business
 * of flood-guard.ts. Control path. Needs no right. Source: socket(7), SO_ATTACH_FILTER; linux/filter.h.
 */
import type { Libc } from './libc.ts';

const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
/** BPF_LD | BPF_W | BPF_ABS. */
const LOAD_WORD = 0x20;
/** BPF_ALU | BPF_AND | BPF_K. */
const AND = 0x54;
/** BPF_JMP | BPF_JEQ | BPF_K. */
const JUMP_IF_EQUAL = 0x15;
/** BPF_RET | BPF_K. */
const RETURN = 0x06;
/** SKF_NET_OFF: what is added to an offset in the IP header. */
const NETWORK_HEADER = -0x100000;
/** SKF_AD_OFF + SKF_AD_RANDOM: a random word. */
const RANDOM = -0x1000 + 56;
const IPV4_SOURCE_AT = 12;
const IPV6_SOURCE_AT = 8;
const KEEP_WHOLE = 0xffffffff;
const DROP = 0;
const INSTRUCTION_BYTES = 8;
const PROGRAM_BYTES = 16;
/** In front of the next sender: a random word, its mask, the look at it, and both ends. */
const VERDICT_INSTRUCTIONS = 5;
/** A load, a mask and a jump. */
const COMPARE_INSTRUCTIONS = 3;

/** Senders of one prefix. Words as client-key.ts reads them; masks say how much of them counts. */
export interface HeldSource {
  readonly isIpv4: boolean;
  /** The first 32 bits of an IPv6 address. */
  readonly high: number;
  readonly highMask: number;
  /** The next 32 bits, or the IPv4 address. */
  readonly low: number;
  readonly lowMask: number;
  /** One datagram in 2^passShift is let through, by chance. */
  readonly passShift: number;
}

/**
 * Puts a filter on a UDP socket in the place of the one before; without senders, none. Errors: the negative error number
 * of a kernel that refuses it, and then everything is let through as before.
 */
export function holdOff(libc: Libc, fd: number, isV6: boolean, sources: readonly HeldSource[]): number {
  const held = sources.filter(({ isIpv4 }) => isIpv4 !== isV6);
  if (held.length === 0) return libc.setSocketOption(fd, SO_DETACH_FILTER, new Uint8Array(4));
  const instructions = Buffer.concat([
    ...held.flatMap((source) => (isV6 ? ofIpv6(source) : ofIpv4(source))),
    instruction(RETURN, KEEP_WHOLE),
  ]);
  const program = Buffer.alloc(PROGRAM_BYTES);
  program.writeUInt16LE(instructions.length / INSTRUCTION_BYTES, 0);
  program.writeBigUInt64LE(libc.addressOf(instructions), 8);
  const status = libc.setSocketOption(fd, SO_ATTACH_FILTER, program);
  // Why: the address was only a number to the collector; the kernel has copied the program by now.
  instructions.fill(0);
  return status;
}

function ofIpv4(source: HeldSource): Buffer[] {
  return [...compare(IPV4_SOURCE_AT, source.low, source.lowMask, VERDICT_INSTRUCTIONS), ...verdict(source)];
}

function ofIpv6(source: HeldSource): Buffer[] {
  const { high, highMask, low, lowMask } = source;
  return [
    ...compare(IPV6_SOURCE_AT, high, highMask, COMPARE_INSTRUCTIONS + VERDICT_INSTRUCTIONS),
    ...compare(IPV6_SOURCE_AT + 4, low, lowMask, VERDICT_INSTRUCTIONS),
    ...verdict(source),
  ];
}

/** Goes on where the word of the header is the sender's, else `skip` instructions further. */
function compare(at: number, word: number, mask: number, skip: number): Buffer[] {
  return [
    instruction(LOAD_WORD, NETWORK_HEADER + at),
    instruction(AND, mask),
    instruction(JUMP_IF_EQUAL, word & mask, 0, skip),
  ];
}

function verdict({ passShift }: HeldSource): Buffer[] {
  return [
    instruction(LOAD_WORD, RANDOM),
    instruction(AND, 2 ** passShift - 1),
    instruction(JUMP_IF_EQUAL, 0, 1, 0),
    instruction(RETURN, DROP),
    instruction(RETURN, KEEP_WHOLE),
  ];
}

function instruction(code: number, operand: number, ifTrue = 0, ifFalse = 0): Buffer {
  const bytes = Buffer.alloc(INSTRUCTION_BYTES);
  bytes.writeUInt16LE(code, 0);
  bytes[2] = ifTrue;
  bytes[3] = ifFalse;
  bytes.writeUInt32LE(operand >>> 0, 4);
  return bytes;
}
