import { describe, expect, it } from 'vitest';
import { clientOctets } from '../../../src/policy/address.ts';
import type { PublishedList } from '../../../src/policy/published.ts';
import { RolloutShare } from '../../../src/policy/rollout-share.ts';
import { publishedList, ruleWords } from '../../support/publish-policy.ts';

const KEY = new Uint8Array(16).fill(7);
const LISTS = [{ name: 'police' }, { name: 'court' }].map(publishedList);

function shareOf(permyriad: number, lists: readonly PublishedList[] = LISTS, key = KEY): RolloutShare {
  return new RolloutShare({ key, stages: lists.map((_, listIndex) => ({ listIndex, slot: 3, permyriad })) }, lists);
}

function staged(list = 0, rolloutSlot = 3): number {
  return ruleWords({ name: 'x', list, rolloutSlot })[0];
}

/** One client of each of 4,000 prefixes of both families. */
const CLIENTS = Array.from({ length: 4000 }, (_, i) => {
  const [high, low] = [(i >> 7) & 0xff, (i >> 1) & 0x7f];
  return clientOctets(i % 2 === 0 ? `10.${high}.${low}.9` : `2001:db8:${high.toString(16)}:${low.toString(16)}00::9`)!;
});

function countIn(share: RolloutShare, word0 = staged()): number {
  return CLIENTS.filter((client) => share.has(word0, client)).length;
}

describe('the share of the clients that a staged rule holds for', () => {
  it.each([
    [0, 0, 0],
    [100, 15, 70],
    [2500, 880, 1120],
    [10_000, 4000, 4000],
  ])('of %i in 10,000 is so many of 4,000 prefixes', (permyriad, min, max) => {
    const count = countIn(shareOf(permyriad));
    expect(count).toBeGreaterThanOrEqual(min);
    expect(count).toBeLessThanOrEqual(max);
  });

  it('has everyone that a smaller one has', () => {
    const [small, large] = [shareOf(500), shareOf(600)];
    for (const client of CLIENTS) if (small.has(staged(), client)) expect(large.has(staged(), client)).toBe(true);
    expect(countIn(large)).toBeGreaterThan(countIn(small));
  });

  it('is the same for every address of an IPv4 /24 and of an IPv6 /56, and not of a larger prefix', () => {
    const share = shareOf(5000);
    const inIt = (text: string): boolean => share.has(staged(), clientOctets(text)!);
    const [v4, v6] = [new Set<boolean>(), new Set<boolean>()];
    for (let net = 0; net < 64; net++) {
      const first = inIt(`192.0.${net}.0`);
      expect([1, 127, 255].map((host) => inIt(`192.0.${net}.${host}`))).toEqual([first, first, first]);
      const firstV6 = inIt(`2001:db8:0:${net.toString(16)}00::`);
      expect(inIt(`2001:db8:0:${net.toString(16)}ff:ffff::1`)).toBe(firstV6);
      v4.add(first);
      v6.add(firstV6);
    }
    expect([v4.size, v6.size]).toEqual([2, 2]);
  });

  it('does not change with the order of the lists', () => {
    const turned = shareOf(5000, [LISTS[1]!, LISTS[0]!]);
    const share = shareOf(5000);
    for (const client of CLIENTS.slice(0, 200)) {
      expect(turned.has(staged(1), client)).toBe(share.has(staged(0), client));
    }
  });

  it('is another for another list, another slot and another key', () => {
    const { lists, stages } = {
      lists: LISTS,
      stages: [
        { listIndex: 0, slot: 3, permyriad: 5000 },
        { listIndex: 0, slot: 4, permyriad: 5000 },
        { listIndex: 1, slot: 3, permyriad: 5000 },
      ],
    };
    const share = new RolloutShare({ key: KEY, stages }, lists);
    const other = new RolloutShare({ key: new Uint8Array(16).fill(8), stages }, lists);
    const membersOf = (of: RolloutShare, word0: number) => CLIENTS.map((client) => (of.has(word0, client) ? 1 : 0));
    const all = [
      membersOf(share, staged(0, 3)),
      membersOf(share, staged(0, 4)),
      membersOf(share, staged(1, 3)),
      membersOf(other, staged(0, 3)),
    ].map((members) => members.join(''));
    expect(new Set(all).size).toBe(4);
  });

  it('is nobody of a slot that the table does not have, nor of a list that is not there', () => {
    const share = shareOf(10_000);
    expect(countIn(share, staged(0, 9))).toBe(0);
    expect(share.permyriadOf(staged(0, 9))).toBe(0);
    const stray = new RolloutShare({ key: KEY, stages: [{ listIndex: 5, slot: 3, permyriad: 10_000 }] }, LISTS);
    expect(countIn(stray, staged(5))).toBe(0);
  });
});
