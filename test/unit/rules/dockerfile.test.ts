/** The Dockerfile read as text: it must hold together though no test here can build it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT, readProjectFile } from '../../support/source-files.ts';

/** Instructions with continuation lines joined, comments dropped. */
const instructions = readProjectFile('Dockerfile')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '');
const stages = instructions.filter((line) => line.startsWith('FROM '));
const finalStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

/** [source..., destination] of each COPY from the build context. */
const contextCopies = instructions
  .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
  .map((line) => line.split(/\s+/).slice(1));

describe('the Dockerfile', () => {
  test('uses only known instructions', () => {
    const known = /^(FROM|ARG|ENV|RUN|COPY|WORKDIR|USER|VOLUME|EXPOSE|HEALTHCHECK|STOPSIGNAL|ENTRYPOINT|CMD)\s/;
    expect(instructions.filter((line) => !known.test(line))).toEqual([]);
  });

  test('copies only what exists', () => {
    const sources = contextCopies.flatMap((words) => words.slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.filter((source) => !existsSync(join(PROJECT_ROOT, source)))).toEqual([]);
  });

  test('copies a folder to a destination that names it', () => {
    const folders = contextCopies.filter(([source]) => statSync(join(PROJECT_ROOT, source ?? '')).isDirectory());
    expect(folders.filter(([source, destination]) => destination !== `./${source}`)).toEqual([]);
  });

  test('finds everything it copies in spite of .dockerignore', () => {
    const admitted = new Set(
      readProjectFile('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1)),
    );
    const sources = contextCopies.flatMap((words) => words.slice(0, -1));
    expect(sources.filter((source) => !admitted.has(source))).toEqual([]);
    expect([...admitted].filter((path) => !sources.includes(path))).toEqual([]);
  });

  test('takes from earlier stages only, and those stages exist', () => {
    const names = stages.map((line) => /\sAS\s+(\S+)$/.exec(line)?.[1]);
    const used = instructions.flatMap((line) => /--from=(\S+)/.exec(line)?.[1] ?? []);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
  });

  test('runs on the Node that the project is tested on', () => {
    const pinned = /"node": "(\d+\.\d+\.\d+)"/.exec(readProjectFile('package.json'))?.[1];
    expect(instructions).toContain(`ARG NODE_VERSION=${pinned}`);
    expect(stages.filter((line) => !line.startsWith('FROM node:${NODE_VERSION}-'))).toEqual([]);
  });

  test('ends as a user without rights, who may bind low ports by a file capability', () => {
    const users = finalStage.filter((line) => line.startsWith('USER '));
    expect(users).toEqual(['USER node']);
    const afterUser = finalStage.slice(finalStage.indexOf('USER node'));
    expect(afterUser.filter((line) => line.startsWith('RUN '))).toEqual([]);
    expect(finalStage.join('\n')).toContain('setcap cap_net_bind_service=+ep /usr/local/bin/node');
  });

  test('ships no development dependency and no source', () => {
    const fromDependencies = finalStage.find((line) => line.includes('node_modules ./node_modules'));
    expect(fromDependencies).toBe('COPY --from=dependencies /build/node_modules ./node_modules');
    expect(instructions).toContain('RUN npm ci --omit=dev --ignore-scripts');
    expect(finalStage.filter((line) => /^COPY (?!--from).*\bsrc\b/.test(line))).toEqual([]);
  });

  test('asks the health endpoint of the default admin listener, and starts the command', () => {
    expect(finalStage.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true);
    expect(finalStage).toContain('ENV WEIR_HEALTH_URL=http://127.0.0.1:9153/healthz');
    expect(finalStage).toContain('ENTRYPOINT ["node", "bin/weir.js"]');
    for (const form of finalStage.filter((line) => /^(CMD|ENTRYPOINT|VOLUME) /.test(line))) {
      expect(() => JSON.parse(form.replace(/^\S+ /, ''))).not.toThrow();
    }
  });
});
