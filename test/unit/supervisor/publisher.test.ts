import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PublishedPolicy } from '../../../src/policy/published.ts';
import { type PolicyReader, Publisher } from '../../../src/supervisor/publisher.ts';
import { publishedPolicy } from '../../support/publish-policy.ts';

interface Reader extends PolicyReader {
  isAlive: boolean;
  readonly got: PublishedPolicy[];
}

function reader(name: string): Reader {
  const got: PublishedPolicy[] = [];
  return { name, isAlive: true, got, post: ({ policy }) => void got.push(policy) };
}

const policy = publishedPolicy({ entries: [], generation: 77 });

/** Publishes and says afterwards whether it is in force. */
function publish(publisher: Publisher): { isSettled: () => Promise<boolean> } {
  let settled = false;
  void publisher.publish(policy).then(() => (settled = true));
  return {
    isSettled: async () => {
      await Promise.resolve();
      await Promise.resolve();
      return settled;
    },
  };
}

describe('Publisher', () => {
  it('sends a policy to every reader and waits until each has it in force', async () => {
    const readers = [reader('a'), reader('b')];
    const publisher = new Publisher(() => readers);
    const publication = publish(publisher);
    expect(readers.map(({ got }) => got.map(({ generation }) => generation))).toEqual([[1], [1]]);
    publisher.acknowledge('a', 1);
    publisher.acknowledge('a', 1);
    expect(await publication.isSettled()).toBe(false);
    publisher.acknowledge('b', 1);
    expect(await publication.isSettled()).toBe(true);
  });

  it('numbers generations itself, each one higher than the last', () => {
    const readers = [reader('a')];
    const publisher = new Publisher(() => readers);
    for (let i = 0; i < 3; i++) publish(publisher);
    expect(readers[0]!.got.map(({ generation }) => generation)).toEqual([1, 2, 3]);
    expect(publisher.current?.generation).toBe(3);
    expect(policy.generation).toBe(77);
  });

  it('takes the acknowledgement of a newer policy for every older one, and no other way round', async () => {
    const readers = [reader('a'), reader('b')];
    const publisher = new Publisher(() => readers);
    const first = publish(publisher);
    const second = publish(publisher);
    publisher.acknowledge('a', 2);
    publisher.acknowledge('b', 1);
    expect(await first.isSettled()).toBe(true);
    expect(await second.isSettled()).toBe(false);
    publisher.acknowledge('b', 2);
    expect(await second.isSettled()).toBe(true);
  });

  it('waits no longer for a reader that died', async () => {
    const readers = [reader('a'), reader('b')];
    const publisher = new Publisher(() => readers);
    const first = publish(publisher);
    const second = publish(publisher);
    publisher.acknowledge('a', 2);
    publisher.forget('b');
    expect([await first.isSettled(), await second.isSettled()]).toEqual([true, true]);
  });

  it('neither sends to a dead reader nor waits for it; its successor begins with the current policy', async () => {
    const dead = reader('a');
    dead.isAlive = false;
    const publisher = new Publisher(() => [dead]);
    const publication = publish(publisher);
    expect(await publication.isSettled()).toBe(true);
    expect(dead.got).toEqual([]);
    expect(publisher.current?.generation).toBe(1);
  });

  it('is in force at once without readers', async () => {
    expect(await publish(new Publisher(() => [])).isSettled()).toBe(true);
  });

  it('ignores acknowledgements of strangers and of what was never published', async () => {
    const publisher = new Publisher(() => [reader('a')]);
    const publication = publish(publisher);
    publisher.acknowledge('x', 1);
    publisher.forget('x');
    publisher.acknowledge('a', 0);
    expect(await publication.isSettled()).toBe(false);
  });

  it('settles a publication exactly when each of its readers has acknowledged it or a newer one, or died', async () => {
    const names = ['a', 'b', 'c'];
    const event = fc.oneof(
      fc.record({ kind: fc.constant('publish' as const) }),
      fc.record({ kind: fc.constant('acknowledge' as const), who: fc.constantFrom(...names), generation: fc.nat(8) }),
      fc.record({ kind: fc.constant('forget' as const), who: fc.constantFrom(...names) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const publisher = new Publisher(() => names.map(reader));
        const publications: { waitingFor: Set<string>; isSettled: () => Promise<boolean> }[] = [];
        for (const each of events) {
          if (each.kind === 'publish') publications.push({ waitingFor: new Set(names), ...publish(publisher) });
          else if (each.kind === 'forget') {
            publisher.forget(each.who);
            for (const { waitingFor } of publications) waitingFor.delete(each.who);
          } else {
            publisher.acknowledge(each.who, each.generation);
            for (const { waitingFor } of publications.slice(0, each.generation)) waitingFor.delete(each.who);
          }
          for (const { waitingFor, isSettled } of publications) expect(await isSettled()).toBe(waitingFor.size === 0);
        }
      }),
    );
  });
});
