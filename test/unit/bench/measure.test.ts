import { expect, test } from 'vitest';
import { measureRun } from '../../../bench/measure.ts';
import type { RunningServer } from '../../../bench/server.ts';
import { startFakeUpstream } from '../../support/fake-upstream.ts';
import { aRecord, answerWithRecords } from '../../support/scripted-answers.ts';

const RIGHT = '192.0.2.1';
const WRONG = '192.0.2.9';

test('answers are looked into while the load runs: a wrong address, two, and none are said; right ones are not', async () => {
  const upstream = await startFakeUpstream((asked) => {
    const { name } = asked;
    if (name === 'mute.example') return undefined;
    const addresses = name === 'two.example' ? [RIGHT, WRONG] : [name === 'bad.example' ? WRONG : RIGHT];
    return answerWithRecords(asked, { answers: addresses.map((address) => aRecord(name, address)) });
  });
  const server = { name: 'fake', port: upstream.port, pids: [process.pid], isEcho: false } as unknown as RunningServer;
  const names = ['good.example', 'bad.example', 'two.example', 'good.example', 'mute.example'];
  let next = 0;
  const counts = { sent: 4, completed: 4, lost: 0, interrupted: 0 };
  const report = { ...counts, seconds: 1, queriesPerSecond: 4, latencyMeanUs: 1, rcodes: {} };
  const run = async () => {
    await upstream.received(names.length);
    return report;
  };
  const expectation = () => ({ name: names[next++ % names.length]!, address: RIGHT });
  const { sampled, wrong, cpuUs } = await measureRun(server, run, true, expectation);
  await upstream.stop();
  expect(sampled).toBe(names.length);
  expect(wrong).toEqual([
    `bad.example: ${WRONG}, not ${RIGHT}`,
    `two.example: ${RIGHT} ${WRONG}, not ${RIGHT}`,
    `mute.example: no answer, not ${RIGHT}`,
  ]);
  expect(cpuUs).toBeGreaterThanOrEqual(0);
});
