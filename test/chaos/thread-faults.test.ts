/**
 * Every kind of thread breaks, at random times and in a random way, while queries are asked: those that the data plane
 * has are answered, and everything that broke comes back. The seed is in the title, so that a run can be had again.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { scaled } from '../support/chaos-scale.ts';
import { ask, closeClients, QueryLoad } from '../support/dns-client.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { seeded } from '../support/udp-relay.ts';
import { newFolder, startWeirProcess, stopAllWeirs, until } from '../support/weir-process.ts';

const HOOK = pathToFileURL(join(PROJECT_ROOT, 'test/support/fault-hook.ts')).href;
const SEED = Number(process.env['WEIR_CHAOS_SEED'] ?? 1);
const FAULTS = scaled({ short: 8, long: 60 });
/** A blocked control thread counts as such after 10 s of silence, and one that died often waits up to 10 s. */
const FAULT_MS_MAX = 60_000;
const SINKHOLE = '192.0.2.53';
const ROLES = ['control', 'page', 'events'] as const;
const KINDS = ['throw', 'heap', 'block'] as const;

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
});

test(
  `${FAULTS} faults of threads of the control plane (seed ${SEED}): no query is lost, all is well at the end`,
  async () => {
    const random = seeded(SEED);
    const upstream = await startFakeUpstream();
    const faults = newFolder();
    mkdirSync(faults, { recursive: true });
    const weir = await startWeirProcess({
      hasPage: true,
      files: { 'list.txt': 'listed.example\n' },
      config: {
        workers: 2,
        upstreams: [upstream.url],
        lists: [{ name: 'list', source: 'list.txt' }],
        eventLog: { file: 'events.jsonl' },
      },
      env: { NODE_OPTIONS: `--import ${HOOK}`, WEIR_TEST_FAULT_FOLDER: faults },
    });
    const load = await QueryLoad.start(weir.port, 2, (index) =>
      index % 2 ? 'listed.example' : `fresh${index}.example`,
    );
    for (let fault = 1; fault <= FAULTS; fault++) {
      const role = ROLES[Math.floor(random() * ROLES.length)]!;
      // Why not block for the event log: a disk that hangs is waited for, for a minute.
      const kind = role === 'events' ? 'throw' : KINDS[Math.floor(random() * KINDS.length)]!;
      // Why: one that blocks while it loads its modules has no heartbeat yet that anybody could miss.
      if (role === 'page') {
        const answers = (): Promise<boolean> =>
          fetch(weir.pageUrl).then(
            () => true,
            () => false,
          );
        await until(answers, Boolean, `the page is back before fault ${fault}`, FAULT_MS_MAX);
      }
      writeFileSync(join(faults, role), kind);
      const died = async (): Promise<number> => weir.metric('weir_thread_restarts_total').catch(() => Number.NaN);
      await until(
        died,
        (count) => count === fault,
        `fault ${fault}: ${role} ${kind} is found and counted`,
        FAULT_MS_MAX,
      );
      expect(load.unanswered().length).toBeLessThan(50);
    }
    const name = 'after.example';
    weir.write('list.txt', `listed.example\n${name}\n`);
    await until(
      async () => (await ask({ port: weir.port }, name)).answers[0]?.data,
      (address) => address === SINKHOLE,
      'a change of the list is in force',
      FAULT_MS_MAX,
    );
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
    expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(200);
    expect((await weir.stop()).code).toBe(0);
    await upstream.stop();
  },
  FAULTS * FAULT_MS_MAX,
);
