/** Signals: what is in flight is answered before the end, and a reload puts everything in force without a lost query. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask, closeClients, decoded, query, QueryLoad, TcpClient, UdpClient } from '../support/dns-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const SINKHOLE = '192.0.2.53';
let upstream: FakeUpstream;

beforeEach(async () => {
  upstream = await startFakeUpstream();
});

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
  await upstream.stop();
});

const list = { name: 'list', source: 'list.txt' };
const patient = { deadlineMs: 20_000, attemptTimeoutMs: 20_000 };

function start(config: Record<string, unknown> = {}): Promise<WeirProcess> {
  return startWeirProcess({
    files: { 'list.txt': 'listed.example\n', 'second.txt': 'second.example\n' },
    config: { upstreams: [upstream.url], upstreamQueries: patient, lists: [list], ...config },
  });
}

async function addressOf(weir: WeirProcess, name: string): Promise<string | undefined> {
  return (await ask({ port: weir.port }, name)).answers.at(-1)?.data;
}

describe('SIGTERM', () => {
  test('answers what is in flight over UDP and TCP, closes everything and exits 0', async () => {
    const weir = await start();
    const held: FakeQuery[] = [];
    upstream.answerWith((asked) => void held.push(asked));
    const [udp, tcp] = [await UdpClient.open(weir.port), await TcpClient.open(weir.port)];
    const [one, two] = [query('one.example'), query('two.example')];
    udp.send(one);
    tcp.send(two);
    await until(
      () => held.length,
      (count) => count === 2,
      'both are under way',
    );
    const ended = weir.stop();
    await weir.log(({ msg }) => msg.startsWith('stopping'));
    for (const asked of held) asked.reply(respond(asked));
    expect(decoded(await udp.responseTo(one)).answers).toHaveLength(1);
    expect(decoded(await tcp.responseTo(two)).answers).toHaveLength(1);
    await tcp.closed();
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(weir.logs().filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('gives what upstreams do not answer SERVFAIL when the time for draining is over', async () => {
    const weir = await start({ shutdownTimeoutMs: 300 });
    upstream.answerWith(() => undefined);
    const client = await UdpClient.open(weir.port);
    const message = query('never.example');
    client.send(message);
    await upstream.received(1);
    const ended = weir.stop();
    expect(decoded(await client.responseTo(message)).rcode).toBe(2);
    expect((await ended).code).toBe(0);
  });

  test('waits for no client that does not read, and not for one that is idle', async () => {
    const weir = await start({ tcp: { idleTimeoutMs: 60_000 } });
    const [idle, deaf] = [await TcpClient.open(weir.port), await TcpClient.open(weir.port)];
    await idle.exchange(query('listed.example'));
    deaf.socket.pause();
    for (let i = 0; i < 2000; i++) deaf.send(query('listed.example'));
    await weir.untilMetric((count) => count >= 2000, 'weir_responses_total', 'verdict="blocked"');
    expect((await weir.stop()).code).toBe(0);
  });

  test('a second one ends at once, with exit code 1', async () => {
    const weir = await start();
    upstream.answerWith(() => undefined);
    const client = await UdpClient.open(weir.port);
    client.send(query('never.example'));
    await upstream.received(1);
    const ended = weir.stop();
    await weir.log(({ msg }) => msg.startsWith('stopping'));
    weir.program.signal('SIGTERM');
    expect((await ended).code).toBe(1);
  });

  test('SIGINT does the same', async () => {
    const weir = await start();
    weir.program.signal('SIGINT');
    expect((await weir.program.ended()).code).toBe(0);
  });
});

async function reload(weir: WeirProcess, config: Record<string, unknown>, listen = {}): Promise<void> {
  const before = await weir.metric('weir_policy_generation');
  weir.writeConfig({ upstreams: [upstream.url], upstreamQueries: patient, lists: [list], ...config }, listen);
  weir.program.signal('SIGHUP');
  await weir.untilMetric((value) => value > before, 'weir_policy_generation');
}

describe('SIGHUP', () => {
  test('adds and removes lists, changes their mode and action', async () => {
    const weir = await start();
    expect(await addressOf(weir, 'second.example')).toBe('192.0.2.1');
    await reload(weir, { lists: [list, { name: 'second', source: 'second.txt' }] });
    expect(await addressOf(weir, 'second.example')).toBe(SINKHOLE);
    expect(await weir.metric('weir_list_entries', 'list="second"')).toBe(1);
    await reload(weir, {
      lists: [
        { ...list, mode: 'shadow' },
        { name: 'second', source: 'second.txt', action: 'refused' },
      ],
    });
    expect(await addressOf(weir, 'listed.example')).toBe('192.0.2.1');
    expect((await ask({ port: weir.port }, 'second.example')).rcode).toBe(5);
    await reload(weir, {});
    expect(await addressOf(weir, 'second.example')).toBe('192.0.2.1');
    expect(await addressOf(weir, 'listed.example')).toBe(SINKHOLE);
    expect(await weir.exposition()).not.toMatch(/^weir_list_(entries|version_info){list="second"/m);
    expect(await weir.metric('weir_config_reloads_total', 'result="ok"')).toBe(3);
  });

  test('changes upstreams, clients, sinkhole addresses and identity', async () => {
    const weir = await start({ workers: 2 });
    const other = await startFakeUpstream((asked) => respond(asked, { addresses: ['192.0.2.99'] }));
    await addressOf(weir, 'warm.example');
    await reload(weir, {
      upstreams: [other.url],
      sinkhole: { addresses: ['192.0.2.54'], ttlSeconds: 5 },
      clients: { allow: ['127.0.0.1/32'] },
      workers: 2,
    });
    for (let i = 0; i < 8; i++) {
      expect(await addressOf(weir, `new${i}.example`)).toBe('192.0.2.99');
      const { answers } = await ask({ port: weir.port }, 'listed.example');
      expect(answers.map(({ data, ttlSeconds }) => [data, ttlSeconds])).toEqual([['192.0.2.54', 5]]);
      const stranger = await UdpClient.open(weir.port, '127.0.0.1', '127.0.0.9');
      expect(decoded(await stranger.exchange(query('listed.example'))).rcode).toBe(5);
    }
    await other.stop();
  });

  test('binds an address that was added, on every thread, and leaves one that was removed', async () => {
    const weir = await start({ workers: 2 });
    const [first] = weir.do53;
    const added = { host: '127.0.0.7', port: first!.port };
    await reload(weir, { workers: 2 }, { do53: [`127.0.0.1:${added.port}`, `127.0.0.7:${added.port}`] });
    await weir.log(({ msg }) => msg.includes('reread'));
    await until(
      () =>
        ask(added, 'listed.example').then(
          () => true,
          () => false,
        ),
      (isAnswered) => isAnswered,
      'the new address answers',
    );
    for (let i = 0; i < 8; i++) {
      expect((await ask({ ...added, transport: i % 2 ? 'tcp' : 'udp' }, 'listed.example')).answers).toHaveLength(1);
      expect(await addressOf(weir, 'listed.example')).toBe(SINKHOLE);
    }
    await reload(weir, { workers: 2 }, { do53: [`127.0.0.1:${added.port}`] });
    await until(
      () =>
        TcpClient.open(added.port, added.host).then(
          () => false,
          () => true,
        ),
      (isClosed) => isClosed,
      'the removed address is closed',
    );
    expect(await addressOf(weir, 'listed.example')).toBe(SINKHOLE);
  });

  test('to an address that is taken: said in the log, and the address before goes on', async () => {
    const weir = await start({ workers: 2 });
    const other = await startFakeUpstream();
    weir.writeConfig({ workers: 2 }, { do53: [`127.0.0.1:${other.port}`] });
    weir.program.signal('SIGHUP');
    await weir.log(({ msg }) => msg.startsWith(`cannot listen on 127.0.0.1:${other.port}: another program`));
    for (let i = 0; i < 8; i++) expect(await addressOf(weir, 'listed.example')).toBe(SINKHOLE);
    expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(200);
    await other.stop();
  });

  test('refuses a bad configuration, says why, counts it, and all goes on as before', async () => {
    const weir = await start();
    weir.writeConfig({ lists: [{ ...list, mode: 'enforced' }], upstraems: [] });
    weir.program.signal('SIGHUP');
    await weir.untilMetric((count) => count === 1, 'weir_config_reloads_total', 'result="refused"');
    const line = await weir.log(({ level }) => level === 'error');
    expect(line.msg).toBe('the configuration is refused; the one before stays in force');
    const problems = JSON.stringify(line['problems']);
    expect(problems).toContain('lists[0].mode');
    expect(problems).toContain('did you mean \\"upstreams\\"?');
    expect(await addressOf(weir, 'listed.example')).toBe(SINKHOLE);
    expect(await addressOf(weir, 'other.example')).toBe('192.0.2.1');
    expect(await weir.metric('weir_config_reloads_total', 'result="ok"')).toBe(0);
  });
});

const names = (index: number): string => ['listed.example', 'cached.example', `fresh${index}.example`][index % 3]!;

describe('under a constant load no query is lost', () => {
  test('while lists are replaced', async () => {
    // Each is another list, which the guard would hold; growth is by 10,000 times at the most.
    const replaced = { ...list, shrinkPercentMax: 100, growthPercentMax: 1_000_000 };
    const weir = await start({ workers: 2, lists: [replaced] });
    const load = await QueryLoad.start(weir.port, 1, names);
    for (let round = 0; round < 5; round++) {
      const before = await weir.metric('weir_policy_generation');
      weir.write(
        'list.txt',
        ['listed.example', ...Array.from({ length: 9_000 * (round + 1) }, (_, i) => `n${i}.r${round}.example`)].join(
          '\n',
        ),
      );
      await weir.untilMetric((value) => value > before, 'weir_policy_generation');
    }
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
    expect(load.sent).toBeGreaterThan(100);
  });

  test('while the configuration is reread, again and again, with other upstreams and addresses', async () => {
    const weir = await start({ workers: 2 });
    const other = await startFakeUpstream();
    const { port } = weir;
    const load = await QueryLoad.start(port, 1, names);
    for (let round = 0; round < 6; round++) {
      const before = await weir.metric('weir_config_reloads_total', 'result="ok"');
      const do53 = round % 2 ? [`127.0.0.1:${port}`] : [`127.0.0.1:${port}`, `127.0.0.8:${port}`];
      weir.writeConfig({ workers: 2, upstreams: [round % 2 ? upstream.url : other.url], lists: [list] }, { do53 });
      weir.program.signal('SIGHUP');
      await weir.untilMetric((value) => value > before, 'weir_config_reloads_total', 'result="ok"');
    }
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
    await other.stop();
  });
});
