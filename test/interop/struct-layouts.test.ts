/**
 * Where the fields of the structs of recvmmsg(2) and sendmmsg(2) lie, as the headers of C libraries and processors say that
 * are not this machine's: a compiler is told what data-plane/batch takes for true, and refuses what is not.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  loadLibc,
  type MessageLayout,
  SOCKADDR_IN6_BYTES,
  SOCKADDR_IN_BYTES,
} from '../../src/data-plane/batch/libc.ts';

const loaded = loadLibc();
if (loaded.kind !== 'ok') throw new Error(loaded.reason);
const { layout } = loaded.libc;

/** A C library: a compiler for its processor, and where its headers are if they are not the compiler's own. */
interface Target {
  readonly name: string;
  readonly compiler: string;
  readonly headers?: string;
}

const TARGETS: readonly Target[] = [
  { name: 'glibc on x64', compiler: 'gcc' },
  { name: 'musl on x64', compiler: 'gcc', headers: '/usr/include/x86_64-linux-musl' },
  { name: 'glibc on arm64', compiler: 'aarch64-linux-gnu-gcc' },
  // Why these headers: what musl says of sockets does not depend on the processor where both have 64 bits, little-endian.
  { name: 'musl on arm64', compiler: 'aarch64-linux-gnu-gcc', headers: '/usr/include/x86_64-linux-musl' },
];

/** What Weir takes for true, a claim in C each. */
function claims(of: MessageLayout): string[] {
  return [
    `sizeof(struct iovec) == ${of.iovecBytes}`,
    `offsetof(struct iovec, iov_base) == 0`,
    `offsetof(struct iovec, iov_len) == ${of.iovecLength}`,
    `sizeof(struct mmsghdr) == ${of.headerBytes}`,
    `offsetof(struct mmsghdr, msg_hdr) == 0`,
    `offsetof(struct msghdr, msg_name) == ${of.name}`,
    `offsetof(struct msghdr, msg_namelen) == ${of.nameLength}`,
    `offsetof(struct msghdr, msg_iov) == ${of.iovec}`,
    `offsetof(struct msghdr, msg_iovlen) == ${of.iovecCount}`,
    `offsetof(struct mmsghdr, msg_len) == ${of.messageLength}`,
    `sizeof(struct sockaddr_in) == ${SOCKADDR_IN_BYTES}`,
    `sizeof(struct sockaddr_in6) == ${SOCKADDR_IN6_BYTES}`,
    'offsetof(struct sockaddr_in, sin_port) == 2 && offsetof(struct sockaddr_in, sin_addr) == 4',
    'offsetof(struct sockaddr_in6, sin6_port) == 2 && offsetof(struct sockaddr_in6, sin6_addr) == 8',
    'offsetof(struct sockaddr_in6, sin6_scope_id) == 24',
    '__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__',
  ];
}

/** What the compiler says; '' where every claim holds. */
function refusals({ compiler, headers }: Target, of: MessageLayout): string {
  const source = [
    '#define _GNU_SOURCE',
    '#include <stddef.h>',
    '#include <netinet/in.h>',
    '#include <sys/socket.h>',
    '#include <sys/uio.h>',
    ...claims(of).map((claim) => `_Static_assert(${claim}, "not so");`),
  ].join('\n');
  const own = headers === undefined ? [] : ['-nostdinc', '-isystem', headers];
  const { status, stderr, error } = spawnSync(compiler, ['-fsyntax-only', ...own, '-x', 'c', '-'], {
    input: source,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return status === 0 ? '' : stderr;
}

describe.each(TARGETS)('$name', (target) => {
  test('has every field where Weir takes it to be', () => {
    expect(refusals(target, layout)).toBe('');
  });

  test.each(Object.keys(layout) as (keyof MessageLayout)[])('would be found out with another %s', (field) => {
    expect(refusals(target, { ...layout, [field]: layout[field] + 4 })).toContain('not so');
  });
});

test('the compilers are for different processors', () => {
  const machines = ['gcc', 'aarch64-linux-gnu-gcc'].map((compiler) =>
    execFileSync(compiler, ['-dumpmachine'], { encoding: 'utf8' }).trim(),
  );
  expect(machines[1]).toMatch(/^aarch64-/);
  expect(new Set(machines).size).toBe(process.arch === 'arm64' ? 1 : 2);
});
