#!/usr/bin/env node
/**
 * The `weir` command. It only chooses what to run: src/main.ts in a clone, dist/main.js in the package that `npm pack`
 * makes (which has no src/main.ts, because Node strips no types below node_modules). Where the machine's own Node is too
 * old, the one that `npm ci` brought runs it instead. What Node compiles, it keeps in node_modules/.cache for the next
 * start. Plain JavaScript without new syntax, so that an old Node can read it and say what is wrong.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants as access, existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MAJOR_MIN = 24;
const MINOR_MIN = 12;
const EXIT_FAILURE = 1;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src', 'main.ts');
// Why: source first. A clone may hold a dist/ from an older build; the package never holds src/main.ts.
const entry = existsSync(source) ? source : join(root, 'dist', 'main.js');
const ownRuntime = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * Saves half of a start's CPU and, in a clone, 40 MB, because no thread has to load the type stripper. Why below the
 * program's own folder: whoever may write there may change the program itself; a shared folder would let others in.
 */
function keepCompiledCode() {
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE } = process.env;
  if (NODE_COMPILE_CACHE !== undefined || NODE_DISABLE_COMPILE_CACHE !== undefined) return;
  const modules = join(root, 'node_modules');
  try {
    accessSync(modules, access.W_OK);
  } catch {
    return;
  }
  const folder = join(modules, '.cache', 'weir');
  // Why also the variable: threads, and the Node that may be started instead, know of it by that alone.
  process.env.NODE_COMPILE_CACHE = folder;
  if (module.enableCompileCache !== undefined) module.enableCompileCache(folder);
}

/** @param {string} text */
function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exitCode = EXIT_FAILURE;
}

/** Runs the entry in the Node that `npm ci` installed, as if it were this process: streams, signals, exit code. */
function runInOwnRuntime() {
  const child = spawn(ownRuntime, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
  // Why: on a terminal Ctrl-C reaches both processes; passing it on would make it two.
  const forwarded = process.stdin.isTTY ? ['SIGTERM', 'SIGHUP'] : ['SIGTERM', 'SIGHUP', 'SIGINT'];
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      if (forwarded.includes(signal)) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`weir: cannot run ${ownRuntime}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}

keepCompiledCode();
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (!existsSync(entry)) {
  fail(`weir: ${entry} is missing. In a package, install it again; in a clone, check out src/.`);
} else if (major > MAJOR_MIN || (major === MAJOR_MIN && minor >= MINOR_MIN)) {
  await import(pathToFileURL(entry).href);
} else if (existsSync(ownRuntime)) {
  runInOwnRuntime();
} else {
  fail(
    `weir needs Node ${MAJOR_MIN}.${MINOR_MIN} or later; this is ${process.version} (${process.execPath}).\n` +
      'In a clone, run `npm ci` first: it brings a current Node along. Elsewhere, install one from https://nodejs.org/.',
  );
}
