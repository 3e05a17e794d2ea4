/**
 * Says which of the listeners that share a TCP port (SO_REUSEPORT) new connections go to. For the end of a process whose
 * successor has bound the same port: what is accepted by the kernel but not by us when a listener closes is reset, so
 * nothing must be on its way to it by then. Control path. Source: socket(7), SO_ATTACH_REUSEPORT_CBPF; bpf(2).
 */
import type { Libc } from './libc.ts';

const SO_ATTACH_REUSEPORT_CBPF = 51;
const SO_DETACH_REUSEPORT_BPF = 68;
/** BPF_RET | BPF_K: the program's only instruction gives back a constant. */
const RETURN_CONSTANT = 0x06;
const INSTRUCTION_BYTES = 8;
const PROGRAM_BYTES = 16;

export class ConnectionSteer {
  readonly #libc: Libc;
  readonly #ours: number;

  /** `ours`: listeners of this process on each port. */
  constructor(libc: Libc, ours: number) {
    this.#libc = libc;
    this.#ours = ours;
  }

  /**
   * Sends new connections on the port of `fd` to the first listener that another process has bound. Why a constant: the
   * kernel numbers the listeners of a port as they were bound, and puts the last in the place of one that closes, so this
   * number stays another process's while ours close, if it has as many as we. Where there is no such listener, the
   * kernel spreads connections as ever. Errors: none; a kernel that refuses it (before Linux 4.6) spreads them as well.
   */
  leadAway(fd: number): void {
    const instruction = Buffer.alloc(INSTRUCTION_BYTES);
    instruction.writeUInt16LE(RETURN_CONSTANT, 0);
    instruction.writeUInt32LE(this.#ours, 4);
    const program = Buffer.alloc(PROGRAM_BYTES);
    program.writeUInt16LE(1, 0);
    program.writeBigUInt64LE(this.#libc.addressOf(instruction), 8);
    this.#libc.setSocketOption(fd, SO_ATTACH_REUSEPORT_CBPF, program);
    // Why: the address was only a number to the collector; the kernel has copied the program by now.
    instruction.fill(0);
  }

  /** Lets the kernel spread new connections over all listeners of the port. */
  leadBack(fd: number): void {
    this.#libc.setSocketOption(fd, SO_DETACH_REUSEPORT_BPF, new Uint8Array(4));
  }
}
