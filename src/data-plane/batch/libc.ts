/**
 * The only file that calls the system's C library for sockets (src/memory.ts does for memory): many datagrams a system call,
 * for listeners and upstreams alike.
 * Linux on x64 and arm64, glibc or musl; elsewhere, or where the optional package koffi is missing, `loadLibc` says why
 * not and plain node:dgram does the work. Struct layouts are computed by the FFI from the C declarations, then proved by
 * self-check.ts. Why safe: every buffer whose address is handed out here is held by its owner as long as it is used.
 */
import { createRequire } from 'node:module';
import type Koffi from 'koffi';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
/** Words of SO_MEMINFO (<linux/sock_diag.h>): the receive buffer is the second, drops the ninth. */
const MEMINFO_WORDS = 9;
const MEMINFO_RCVBUF = 1;
const MEMINFO_DROPS = 8;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const MSG_DONTWAIT = 0x40;

/** Octets of a sockaddr_in and a sockaddr_in6. */
export const SOCKADDR_IN_BYTES = 16;
export const SOCKADDR_IN6_BYTES = 28;

/** Where the fields of a mmsghdr and an iovec are. Units: bytes. */
export interface MessageLayout {
  readonly iovecBytes: number;
  readonly iovecLength: number;
  readonly headerBytes: number;
  readonly name: number;
  readonly nameLength: number;
  readonly iovec: number;
  readonly iovecCount: number;
  readonly messageLength: number;
}

export interface Libc {
  readonly layout: MessageLayout;
  /** The buffer must stay referenced for as long as the address is used. */
  addressOf(buffer: Uint8Array): bigint;
  /** Receives up to `count` datagrams without waiting; returns how many, or the negative error number. */
  receive(fd: number, headers: Uint8Array, count: number): number;
  /** Sends up to `count` datagrams without waiting; returns how many, or the negative error number of the first. */
  send(fd: number, headers: Uint8Array, count: number): number;
  /** A non-blocking UDP socket bound to `sockaddr`. Errors: throws with the system's `code`. */
  openUdp(options: OpenUdpOptions): number;
  connect(fd: number, sockaddr: Uint8Array): void;
  /** A socket option of SOL_SOCKET; returns 0, or the negative error number. */
  setSocketOption(fd: number, option: number, value: Uint8Array): number;
  /** What the kernel says of a socket's memory; undefined where it does not (Linux before 4.12). */
  socketMemory(fd: number): SocketMemory | undefined;
  close(fd: number): void;
  /** E.g. ECONNREFUSED. */
  errorName(number: number): string;
  readonly EAGAIN: number;
  readonly ENOBUFS: number;
}

export interface SocketMemory {
  /** As granted: the kernel doubles what was asked for, for its own bookkeeping, and keeps to its limit. */
  readonly receiveBufferBytes: number;
  /** Datagrams that found no room since the socket was made. Wraps at 2^32. */
  readonly drops: number;
}

export interface OpenUdpOptions {
  readonly sockaddr: Uint8Array;
  readonly isV6: boolean;
  /** Lets other sockets share the port (SO_REUSEPORT). */
  readonly shared: boolean;
  readonly receiveBufferBytes: number;
}

export type LibcOutcome =
  { readonly kind: 'ok'; readonly libc: Libc } | { readonly kind: 'unavailable'; readonly reason: string };

let loaded: LibcOutcome | undefined;

/** Loads the bindings once a thread. Never throws. */
export function loadLibc(): LibcOutcome {
  loaded ??= load();
  return loaded;
}

function load(): LibcOutcome {
  if (process.platform !== 'linux') return { kind: 'unavailable', reason: `not made for ${process.platform}` };
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    return { kind: 'unavailable', reason: `not made for ${process.arch}` };
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    return { kind: 'ok', libc: bindLibc(koffi) };
  } catch (error) {
    return { kind: 'unavailable', reason: `koffi does not load: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** The structs of recvmmsg(2) as <sys/socket.h> declares them; musl pads what glibc makes wider, to the same layout. */
function layoutOf(koffi: typeof Koffi): MessageLayout {
  const iovec = koffi.struct({ iov_base: 'uintptr_t', iov_len: 'size_t' });
  const msghdr = koffi.struct({
    msg_name: 'uintptr_t',
    msg_namelen: 'uint32_t',
    msg_iov: 'uintptr_t',
    msg_iovlen: 'size_t',
    msg_control: 'uintptr_t',
    msg_controllen: 'size_t',
    msg_flags: 'int',
  });
  const mmsghdr = koffi.struct({ msg_hdr: msghdr, msg_len: 'unsigned int' });
  return {
    iovecBytes: koffi.sizeof(iovec),
    iovecLength: koffi.offsetof(iovec, 'iov_len'),
    headerBytes: koffi.sizeof(mmsghdr),
    name: koffi.offsetof(msghdr, 'msg_name'),
    nameLength: koffi.offsetof(msghdr, 'msg_namelen'),
    iovec: koffi.offsetof(msghdr, 'msg_iov'),
    iovecCount: koffi.offsetof(msghdr, 'msg_iovlen'),
    messageLength: koffi.offsetof(mmsghdr, 'msg_len'),
  };
}

function bindLibc(koffi: typeof Koffi): Libc {
  const library = koffi.load(null);
  const recvmmsg = library.func('int recvmmsg(int, void *, unsigned int, int, void *)') as (
    ...args: unknown[]
  ) => number;
  const sendmmsg = library.func('int sendmmsg(int, void *, unsigned int, int)') as (...args: unknown[]) => number;
  const socket = library.func('int socket(int, int, int)') as (...args: unknown[]) => number;
  const setsockopt = library.func('int setsockopt(int, int, int, void *, uint32_t)') as (...args: unknown[]) => number;
  const getsockopt = library.func('int getsockopt(int, int, int, void *, void *)') as (...args: unknown[]) => number;
  const bind = library.func('int bind(int, void *, uint32_t)') as (...args: unknown[]) => number;
  const connect = library.func('int connect(int, void *, uint32_t)') as (...args: unknown[]) => number;
  const close = library.func('int close(int)') as (...args: unknown[]) => number;
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));

  const setInt = (fd: number, level: number, option: number, value: number): number =>
    setsockopt(fd, level, option, new Uint8Array(Int32Array.of(value).buffer), 4);
  const fail = (call: string, fd: number): never => {
    const number = koffi.errno();
    if (fd >= 0) close(fd);
    const code = names.get(number) ?? `errno ${number}`;
    throw Object.assign(new Error(`${call} ${code}`), { code });
  };

  return {
    layout: layoutOf(koffi),
    EAGAIN: koffi.os.errno['EAGAIN'] ?? 11,
    ENOBUFS: koffi.os.errno['ENOBUFS'] ?? 105,
    errorName: (number) => names.get(number) ?? `errno ${number}`,
    addressOf: (buffer) => koffi.address(buffer),
    receive: (fd, headers, count) => {
      const received = recvmmsg(fd, headers, count, MSG_DONTWAIT, null);
      return received < 0 ? -koffi.errno() : received;
    },
    send: (fd, headers, count) => {
      const sent = sendmmsg(fd, headers, count, MSG_DONTWAIT);
      return sent < 0 ? -koffi.errno() : sent;
    },
    openUdp: ({ sockaddr, isV6, shared, receiveBufferBytes }) => {
      const fd = socket(isV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      if (fd < 0) return fail('socket', fd);
      if (isV6 && setInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0) return fail('setsockopt', fd);
      if (shared && setInt(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0) return fail('setsockopt', fd);
      // Why both: the first needs a right and passes the system's limit; the second takes what the limit grants.
      if (setInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes) < 0)
        setInt(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
      if (bind(fd, sockaddr, sockaddr.length) < 0) return fail('bind', fd);
      return fd;
    },
    connect: (fd, sockaddr) => {
      if (connect(fd, sockaddr, sockaddr.length) < 0) fail('connect', -1);
    },
    setSocketOption: (fd, option, value) =>
      setsockopt(fd, SOL_SOCKET, option, value, value.length) < 0 ? -koffi.errno() : 0,
    socketMemory: (fd) => {
      const words = new Uint32Array(MEMINFO_WORDS);
      const length = Uint32Array.of(words.byteLength);
      const status = getsockopt(
        fd,
        SOL_SOCKET,
        SO_MEMINFO,
        new Uint8Array(words.buffer),
        new Uint8Array(length.buffer),
      );
      // Why the length: an older kernel gives fewer words, and drops came last.
      if (status < 0 || length[0]! < words.byteLength) return undefined;
      return { receiveBufferBytes: words[MEMINFO_RCVBUF]!, drops: words[MEMINFO_DROPS]! };
    },
    close: (fd) => void close(fd),
  };
}
