import { afterEach, describe, expect, it } from 'vitest';
import { loadLibc } from '../../src/data-plane/batch/libc.ts';
import { encodeQuery } from '../../src/dns/codec.ts';
import { closeClients, decoded, UdpClient } from '../support/dns-client.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
});

const config = { lists: [{ name: 'test', source: 'list.txt' }] };
const files = { 'list.txt': 'bad.example\n' };

describe('how datagrams are moved', () => {
  it.skipIf(loadLibc().kind !== 'ok')('is in batches where the system has them', async () => {
    const weir = await startWeirProcess({ config, files });
    expect(await weir.metric('weir_batch_io', 'mode="batch"')).toBe(1);
    expect(await weir.metric('weir_batch_io', 'mode="dgram"')).toBe(0);
  });

  it.each([
    ['without koffi', 'no-koffi.ts', /^koffi does not load: Cannot find module 'koffi'$/],
    ['where structs are laid out in another way', 'wrong-koffi.ts', /^self-check: /],
  ])('is one at a time %s, with a warning that says why, and answers are the same', async (_, preloaded, reason) => {
    const env = { NODE_OPTIONS: `--import file://${PROJECT_ROOT}/test/support/${preloaded}` };
    const weir = await startWeirProcess({ config, files, env });
    const warning = await weir.log(({ msg }) => msg.startsWith('datagrams are moved one at a time'));
    expect(warning).toMatchObject({ level: 'warn', reason: expect.stringMatching(reason) as unknown });
    expect(await weir.metric('weir_batch_io', 'mode="dgram"')).toBe(1);
    expect(await weir.metric('weir_batch_io', 'mode="batch"')).toBe(0);
    const client = await UdpClient.open(weir.port);
    const answer = decoded(await client.exchange(encodeQuery({ id: 5, name: 'bad.example', type: 1 })!));
    expect(answer.answers).toMatchObject([{ type: 1, data: '192.0.2.53' }]);
  });

  it.skipIf(loadLibc().kind !== 'ok')('is not said to be in batches where one thread has none', async () => {
    const env = { NODE_OPTIONS: `--import file://${PROJECT_ROOT}/test/support/no-koffi-in-one.ts` };
    const weir = await startWeirProcess({ config: { ...config, workers: 2 }, files, env });
    const warnings = weir.logs().filter(({ msg }) => msg.startsWith('datagrams are moved one at a time'));
    expect(warnings).toMatchObject([{ level: 'warn', thread: 'resolver-0' }]);
    expect(await weir.metric('weir_batch_io', 'mode="dgram"')).toBe(1);
    expect(await weir.metric('weir_batch_io', 'mode="batch"')).toBe(0);
  });
});
