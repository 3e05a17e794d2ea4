/** What deploy/ holds, given to the programs it is for: promtool, a real Prometheus that scrapes a running Weir, systemd. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { LEDGER_METRICS, METRIC_NAMES, METRICS } from '../../src/telemetry/metric-definitions.ts';
import { runProgram, startProgram, type RunningProgram } from '../support/child-program.ts';
import { ask as askDns, closeClients } from '../support/dns-client.ts';
import { freePort } from '../support/free-port.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const DEPLOY = join(PROJECT_ROOT, 'deploy');
const DEADLINE_MS = 30_000;
const POLL_MS = 100;
let prometheus: RunningProgram | undefined;

afterEach(async () => {
  await prometheus?.stop();
  prometheus = undefined;
  closeClients();
  await stopAllWeirs();
});

test('promtool finds the rules and the configuration in order', async () => {
  const rules = await runProgram('promtool', ['check', 'rules', join(DEPLOY, 'alerts.yml')]);
  expect(rules.stdout + rules.stderr).toContain('SUCCESS');
  expect(rules.code).toBe(0);
  const configuration = await runProgram('promtool', ['check', 'config', join(DEPLOY, 'prometheus.yml')]);
  expect(configuration.code).toBe(0);
});

test('each alert fires when it should and only then', async () => {
  const { code, stdout, stderr } = await runProgram('promtool', ['test', 'rules', join(DEPLOY, 'alerts.test.yml')]);
  expect(stdout + stderr).toContain('SUCCESS');
  expect(code).toBe(0);
});

test('promtool finds the exposition in order', async () => {
  const weir = await startWeirProcess({ files: { 'list.txt': 'scam.example\n' }, config: listConfig() });
  const { code, stdout, stderr } = await runProgram('promtool', ['check', 'metrics'], {
    input: await weir.exposition(),
  });
  // Of prom-client's own names promtool says that three should not end as they do.
  const complaints = (stdout + stderr).split('\n').filter((line) => line !== '' && !line.startsWith('nodejs_'));
  expect(complaints).toEqual([]);
  expect(code).not.toBeNull();
});

interface LoadedRules {
  readonly groups: readonly { readonly rules: readonly { readonly name: string; readonly health: string }[] }[];
}

function listConfig(): Record<string, unknown> {
  return { lists: [{ name: 'police', source: './list.txt' }], upstreams: [] };
}

async function ask(port: number, path: string, parameters: Record<string, string>): Promise<unknown> {
  const url = `http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`;
  const response = await fetch(url);
  const body = (await response.json()) as { status: string; data: unknown };
  expect(body.status).toBe('success');
  return body.data;
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error('it has not come in time');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

test('a Prometheus scrapes Weir, counts a blocked query, and takes every alert rule', async () => {
  const weir = await startWeirProcess({ files: { 'list.txt': 'scam.example\n' }, config: listConfig() });
  const folder = temporaryFolder('prometheus');
  cpSync(join(DEPLOY, 'alerts.yml'), join(folder, 'alerts.yml'));
  const configuration = readFileSync(join(DEPLOY, 'prometheus.yml'), 'utf8')
    .replace('127.0.0.1:9153', new URL(weir.adminUrl).host)
    .replaceAll('15s', '1s');
  writeFileSync(join(folder, 'prometheus.yml'), configuration);
  const port = await freePort();
  prometheus = await startProgram(
    'prometheus',
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    (output) => output.includes('Server is ready to receive web requests'),
  );
  await askDns(weir, 'scam.example');
  await until(async () => {
    const expression = 'sum(weir_blocked_queries_total{list="police",category="fraud",action="sinkhole"})';
    const { result } = (await ask(port, 'query', { query: expression })) as { result: { value: [number, string] }[] };
    return result[0]?.value[1] === '1' ? true : undefined;
  });
  const names = (await ask(port, 'label/__name__/values', {})) as string[];
  // What has labels may have no series yet.
  const unlabelled = METRIC_NAMES.filter((name) => METRICS[name].labels.length === 0);
  expect(unlabelled.length).toBeGreaterThan(10);
  const shown = unlabelled.map((name) => (METRICS[name].type === 'histogram' ? `${name}_count` : name));
  // All but the ledger's, for this Weir runs none.
  const ofLedger = Object.keys(LEDGER_METRICS).flatMap((name) => [name, `${name}_count`]);
  expect(shown.filter((name) => !names.includes(name)).toSorted()).toEqual(
    shown.filter((name) => ofLedger.includes(name)).toSorted(),
  );
  const states = await until(async () => {
    const { groups } = (await ask(port, 'rules', {})) as LoadedRules;
    const found = groups.flatMap((group) => group.rules.map(({ health }) => health));
    return found.includes('unknown') ? undefined : found;
  });
  expect(states.length).toBeGreaterThan(10);
  expect(new Set(states)).toEqual(new Set(['ok']));
});

test.each(['weir.service', 'weir@.service'])('systemd finds %s in order, and exposes little by it', async (unit) => {
  const { stdout, stderr } = await runProgram('systemd-analyze', ['security', '--offline=true', join(DEPLOY, unit)]);
  const score = Number(/Overall exposure level for weir@?[^:]*\.service: ([\d.]+)/.exec(stdout + stderr)?.[1]);
  process.stdout.write(`systemd-analyze security: ${score}\n`);
  expect(score).toBeLessThanOrEqual(2);
});
