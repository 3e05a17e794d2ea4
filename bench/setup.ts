/**
 * `npm run bench:setup`: installs the servers that Weir is compared with, by apt-get (Debian, Ubuntu). Their packages
 * would start services: that is forbidden while they are installed, by policy-rc.d, as Debian means it to be.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findProgram } from './machine.ts';

const POLICY = '/usr/sbin/policy-rc.d';
const FORBID_SERVICES = '#!/bin/sh\nexit 101\n';
/** Program to package. */
const PACKAGES: Readonly<Record<string, string>> = {
  dnsperf: 'dnsperf',
  h2load: 'nghttp2-client',
  dnsdist: 'dnsdist',
  unbound: 'unbound',
  pdns_recursor: 'pdns-recursor',
  dnsmasq: 'dnsmasq-base',
  nsd: 'nsd',
  cc: 'gcc',
};

function aptGet(...args: string[]): void {
  execFileSync('apt-get', args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}

const missing = Object.entries(PACKAGES).filter(([program]) => findProgram(program) === undefined);
if (missing.length === 0) {
  process.stdout.write('everything is installed\n');
} else if (process.getuid?.() !== 0) {
  const packages = missing.map(([, name]) => name).join(' ');
  process.stderr.write(`needs root: sudo apt-get install ${packages}\n`);
  process.exitCode = 1;
} else {
  const policyIsOurs = !existsSync(POLICY);
  if (policyIsOurs) writeFileSync(POLICY, FORBID_SERVICES, { mode: 0o755 });
  try {
    aptGet('update', '-q');
    // gcc alone has no C library to compile against.
    const packages = missing.flatMap(([, name]) => (name === 'gcc' ? [name, 'libc6-dev'] : [name]));
    aptGet('install', '-q', '-y', '--no-install-recommends', ...packages);
  } finally {
    if (policyIsOurs) rmSync(POLICY);
  }
}
