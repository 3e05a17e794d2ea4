import { afterEach, describe, expect, it, vi } from 'vitest';
import { SupervisedThread, type SupervisedThreadOptions } from '../../../src/supervisor/supervised-thread.ts';
import type { Deed } from '../../support/thread-script.ts';
import { until } from '../../support/weir-process.ts';

const clock = vi.hoisted(() => ({ aheadMs: 0 }));
vi.mock('../../../src/clock.ts', () => ({ monotonicMs: () => performance.now() + clock.aheadMs }));

interface Said {
  readonly kind: string;
  readonly start: number;
  readonly threadName?: string;
  readonly maxYoungGenerationSizeMb?: number;
  readonly maxOldGenerationSizeMb?: number;
}

const threads: SupervisedThread[] = [];
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.end(0)));
});

function supervise(
  options: Partial<SupervisedThreadOptions> & { readonly atStart?: (start: number) => Deed | undefined } = {},
) {
  const said: Said[] = [];
  const logged: { fields: Record<string, unknown>; message: string }[] = [];
  let deaths = 0;
  let starts = 0;
  const log = { error: (fields: Record<string, unknown>, message: string) => void logged.push({ fields, message }) };
  const thread = new SupervisedThread({
    name: 'subject',
    url: new URL('../../support/thread-script.ts', import.meta.url),
    data: () => {
      starts++;
      return { start: starts, atStart: options.atStart?.(starts) };
    },
    heapMegabytesMax: () => 128,
    silenceMsMax: 60_000,
    onMessage: (message) => void said.push(message as Said),
    onDeath: () => void deaths++,
    log: log as unknown as SupervisedThreadOptions['log'],
    ...options,
  });
  threads.push(thread);
  const untilStarted = (start: number) =>
    until(
      () => said.some((each) => each.kind === 'started' && each.start === start),
      (has) => has,
      `start ${start}`,
    );
  const post = (deed: Deed) => thread.post(deed);
  return { thread, said, logged, post, untilStarted, deaths: () => deaths, starts: () => starts };
}

describe('SupervisedThread', () => {
  it('starts the thread with its data and name, and carries messages both ways', async () => {
    const { thread, said, post, untilStarted } = supervise();
    await untilStarted(1);
    expect(said).toEqual([{ kind: 'started', start: 1, threadName: 'subject' }]);
    expect(thread.isAlive).toBe(true);
    post('echo');
    await until(
      () => said.length,
      (length) => length === 2,
      'an echo',
    );
  });

  it.each(['throw', 'exit', 'reject'] as const)(
    'replaces a thread that ends by %s, with data made anew',
    async (deed) => {
      const { said, logged, post, untilStarted, deaths } = supervise();
      await untilStarted(1);
      post(deed);
      await untilStarted(2);
      expect(deaths()).toBe(1);
      expect(logged.at(-1)?.message).toBe('a thread ended and is replaced');
      post('echo');
      await until(
        () => said.at(-1),
        (last) => last?.kind === 'echo' && last.start === 2,
        'an echo of the successor',
      );
    },
  );

  it('says in the log what a thread failed of', async () => {
    const { logged, post, untilStarted } = supervise();
    await untilStarted(1);
    post('throw');
    await untilStarted(2);
    expect(String(logged[0]?.fields['err'])).toContain('a bug in the thread');
    expect(logged[0]?.fields['thread']).toBe('subject');
  });

  it('limits both generations of the heap', async () => {
    const { said, post, untilStarted } = supervise({ heapMegabytesMax: () => 96 });
    await untilStarted(1);
    post('limits');
    const limits = await until(
      () => said.find(({ kind }) => kind === 'limits'),
      (found) => found !== undefined,
      'the limits',
    );
    // By default V8 takes 96 MB for the young one alone on a machine of this size.
    expect(limits).toMatchObject({ maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 96 });
  });

  it('asks for the limits of the heap at every start', async () => {
    const limits = [64, 80];
    const young = [6, 12];
    const { said, post, untilStarted } = supervise({
      heapMegabytesMax: () => limits.shift()!,
      youngMegabytesMax: () => young.shift()!,
    });
    await untilStarted(1);
    post('throw');
    await untilStarted(2);
    post('limits');
    const told = await until(
      () => said.find(({ kind }) => kind === 'limits'),
      (found) => found !== undefined,
      'the limits',
    );
    expect(told).toMatchObject({ start: 2, maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 80 });
  });

  it('replaces a thread that exhausts its heap', async () => {
    const { logged, post, untilStarted, deaths } = supervise({ heapMegabytesMax: () => 32 });
    await untilStarted(1);
    post('exhaust');
    await untilStarted(2);
    expect(deaths()).toBe(1);
    expect(String(logged[0]?.fields['err'])).toContain('ERR_WORKER_OUT_OF_MEMORY');
  });

  it('replaces a thread that blocks', async () => {
    const { logged, post, untilStarted, deaths } = supervise({ silenceMsMax: 1_500 });
    await untilStarted(1);
    post('block');
    await untilStarted(2);
    expect(deaths()).toBe(1);
    expect(logged.map(({ message }) => message)).toContain('a thread is blocked');
  });

  it('spares a thread whose silence is a pause of the whole process', async () => {
    const { logged, post, untilStarted, starts } = supervise({ silenceMsMax: 5_000 });
    await untilStarted(1);
    post('linger');
    // As when a virtual machine is stopped and goes on: the watch looks before the thread can beat again.
    for (let pause = 0; pause < 10; pause++) {
      clock.aheadMs += 60_000;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(logged).toEqual([]);
    expect(starts()).toBe(1);
  });

  it('lets a thread take its time to start, when its modules load slowly', async () => {
    const { untilStarted, starts, logged } = supervise({ silenceMsMax: 500, atStart: () => 'linger' });
    await untilStarted(1);
    expect(starts()).toBe(1);
    expect(logged).toEqual([]);
  });

  it('waits longer each time for a thread that dies at once, and brings it up in the end', async () => {
    const { logged, untilStarted, deaths } = supervise({ atStart: (start) => (start < 4 ? 'throw' : undefined) });
    await untilStarted(4);
    expect(deaths()).toBe(3);
    const delays = logged
      .filter(({ message }) => message.includes('replaced'))
      .map(({ fields }) => fields['restartInMs']);
    expect(delays).toEqual([50, 100, 200]);
  });

  it('is not alive between death and replacement, and what is posted then is lost without harm', async () => {
    let aliveAtDeath: boolean | undefined;
    const subject = supervise({
      onDeath: () => {
        aliveAtDeath = subject.thread.isAlive;
        subject.post('echo');
      },
    });
    await subject.untilStarted(1);
    subject.post('exit');
    await subject.untilStarted(2);
    expect(aliveAtDeath).toBe(false);
    expect(subject.said.filter(({ kind }) => kind === 'echo')).toEqual([]);
  });

  it('replaces nothing after release()', async () => {
    const { thread, post, untilStarted, deaths, starts } = supervise();
    await untilStarted(1);
    thread.release();
    post('exit');
    await until(
      () => thread.isAlive,
      (isAlive) => !isAlive,
      'the thread ends',
    );
    expect([deaths(), starts()]).toEqual([0, 1]);
  });

  it('ends at end(), a blocked thread too, and a replacement that was due does not come', async () => {
    const blocked = supervise();
    await blocked.untilStarted(1);
    blocked.post('block');
    await blocked.thread.end(0);
    expect(blocked.thread.isAlive).toBe(false);
    const dying = supervise({ atStart: () => 'throw' });
    await until(dying.deaths, (deaths) => deaths >= 3, 'three deaths');
    await dying.thread.end(0);
    const starts = dying.starts();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(dying.starts()).toBe(starts);
  });
});
