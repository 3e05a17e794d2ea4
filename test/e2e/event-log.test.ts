/** The event log of the real process: a line for each blocked query of every transport, and none for any other. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, closeClients } from '../support/dns-client.ts';
import { respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
});

const lineShape = z.strictObject({
  time: z.iso.datetime(),
  incident: z.string(),
  name: z.string(),
  list: z.string(),
  version: z.int(),
  category: z.string(),
  action: z.string(),
  transport: z.string(),
  region: z.string().optional(),
  client: z.string().optional(),
});

async function start(eventLog: object, files: Readonly<Record<string, string>> = {}) {
  const upstream = await startFakeUpstream(respond);
  const weir = await startWeirProcess({
    files: { 'block.txt': 'listed.example\n', 'shadow.txt': 'shadow.example\n', ...files },
    config: {
      upstreams: [upstream.url],
      lists: [
        { name: 'block', source: 'block.txt', category: 'phishing' },
        { name: 'shadow', source: 'shadow.txt', mode: 'shadow' },
      ],
      eventLog: { file: 'events.jsonl', ...eventLog },
    },
  });
  const file = join(weir.folder, 'events.jsonl');
  const lines = () =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => lineShape.parse(JSON.parse(line)))
      : [];
  return { weir, upstream, lines };
}

test('every blocked query is a line with the incident of its answer, clients hashed; the rest is not there', async () => {
  const { weir, upstream, lines } = await start({});
  const where = weir.do53[0]!;
  const errors = (await ask(where, 'www.Listed.example')).edns?.extendedErrors ?? [];
  await ask({ ...where, transport: 'tcp' }, 'listed.example', 28);
  await ask(where, 'shadow.example');
  await ask(where, 'other.example');
  await weir.untilMetric((value) => value === 2, 'weir_event_log_written_total');
  // Why right before the end: what is still on its way then is written, too.
  await ask(where, 'last.listed.example');
  await weir.stop();
  await upstream.stop();
  const written = lines();
  expect(written.map(({ name, transport }) => [name, transport])).toEqual([
    ['www.listed.example', 'udp'],
    ['listed.example', 'tcp'],
    ['last.listed.example', 'udp'],
  ]);
  for (const line of written) {
    expect(line).toMatchObject({ list: 'block', version: 1, category: 'phishing', action: 'sinkhole' });
    expect(line.client).toMatch(/^[0-9a-f]{16}$/);
    expect(errors.map(({ text }) => text).join()).toContain(`incident=${line.incident}`);
  }
  expect(new Set(written.map(({ client }) => client)).size).toBe(1);
});

test('where a sample of nothing is asked for, nothing is written, and nothing is counted as lost', async () => {
  const { weir, upstream, lines } = await start({ samplePercent: 0 });
  await ask(weir.do53[0]!, 'listed.example');
  const metrics = ['weir_event_log_written_total', 'weir_event_log_dropped_total'];
  expect(await Promise.all(metrics.map((name) => weir.metric(name)))).toEqual([0, 0]);
  await weir.stop();
  await upstream.stop();
  expect(lines()).toEqual([]);
});

test('what was put aside too long ago is removed though nothing is blocked', async () => {
  const old = 'events.jsonl.2020-01-01T00-00-00.000Z';
  const { weir, upstream } = await start({}, { [old]: '{}\n', [`${old}.mine`]: '' });
  while (existsSync(join(weir.folder, old))) await new Promise((resolve) => setImmediate(resolve));
  expect(existsSync(join(weir.folder, `${old}.mine`))).toBe(true);
  await weir.stop();
  await upstream.stop();
});
