/** The floor of the kernel: a loop in C, with batched system calls and no logic. Compiled for each run. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { versionOf } from '../machine.ts';
import type { Peer } from './peer.ts';

export const echoC: Peer = {
  name: 'echo-c',
  title: 'echo in C (floor of the kernel)',
  programs: ['cc'],
  isEcho: true,
  configuration: 'recvmmsg and sendmmsg, 64 messages a call, no logic',
  version: () => versionOf('cc', ['--version'], /(\d+\.\d+\.\d+)/),
  prepare: (setup) => {
    const program = join(setup.folder, 'echo');
    execFileSync('cc', ['-O2', '-o', program, new URL('echo.c', import.meta.url).pathname], { stdio: 'pipe' });
    return { command: program, args: [String(setup.port)] };
  },
};
