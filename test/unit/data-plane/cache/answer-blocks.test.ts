import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Answer } from '../../../../src/data-plane/cache/answer.ts';
import { AnswerBlocks, blocksFor } from '../../../../src/data-plane/cache/answer-blocks.ts';
import { BlockArena, NO_BLOCK } from '../../../../src/data-plane/cache/block-arena.ts';
import { MESSAGE_BYTES_MAX } from '../../../../src/dns/iana.ts';
import { wireName } from '../../../support/wire.ts';

const DAY_MS = 86_400_000;
const timeMs = fc.double({ min: 0, max: 40 * DAY_MS, noNaN: true });
/** A label of any length makes names as short and as long as there are. */
const name = fc.tuple(fc.integer({ min: 1, max: 63 }), fc.integer({ min: 0, max: 2 })).map(([bytes, more]) => {
  const label = 'n'.repeat(bytes);
  return wireName([label, ...Array.from({ length: more }, () => label), 'example'].join('.'));
});

interface Fields extends Partial<Answer> {
  readonly name: Uint8Array;
  readonly rest: Uint8Array;
  readonly startsAt: number;
}

const fields: fc.Arbitrary<Fields> = fc.record({
  name,
  rest: fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ minLength: 3_000, maxLength: 3_100, size: 'max' })),
  startsAt: fc.nat(300),
  ttlCount: fc.nat(5_957),
  targetCount: fc.nat(32),
  qtype: fc.nat(65_535),
  dnssecOk: fc.boolean(),
  checkingDisabled: fc.boolean(),
  answerCount: fc.nat(65_535),
  authorityCount: fc.nat(65_535),
  additionalCount: fc.nat(65_535),
  rcode: fc.nat(15),
  authenticated: fc.boolean(),
  truncated: fc.boolean(),
  extendedError: fc.oneof(fc.constant(-1), fc.nat(65_535)),
  storedAtMs: timeMs,
  freshUntilMs: timeMs,
  staleUntilMs: timeMs,
  cleanAtGeneration: fc.oneof(fc.constant(-1), fc.nat()),
  cleanAtSeconds: fc.nat(0xffff_ffff),
  hits: fc.nat(1000),
  retryAtMs: timeMs,
});

function answerOf({ name: qname, rest, startsAt, ...other }: Fields): Answer {
  const octets = Buffer.alloc(startsAt + qname.length + rest.length, 0xee);
  octets.set(qname, startsAt);
  octets.set(rest, startsAt + qname.length);
  return Object.assign(new Answer(), other, {
    octets,
    octetsStart: startsAt,
    octetCount: qname.length + rest.length,
    qnameBytes: qname.length,
    bodyBytes: rest.length,
  });
}

/** All that an answer says, its octets as a copy. */
function contentOf(answer: Answer): object {
  const { octets, octetsStart, octetCount, home: _home, place: _place, ...other } = answer;
  return { ...other, octets: Buffer.from(octets.subarray(octetsStart, octetsStart + octetCount)).toString('hex') };
}

const find = (blocks: AnswerBlocks, first: number, { name: qname, qtype, dnssecOk, checkingDisabled }: Fields) =>
  blocks.match(
    first,
    { bytes: qname, qnameStart: 0, qnameBytes: qname.length, qtype: qtype!, dnssecOk: dnssecOk! },
    checkingDisabled!,
  );

describe('AnswerBlocks', () => {
  it('gives back what was put in, of any size, while others come and go', () => {
    const blocks = new AnswerBlocks();
    const kept = new Map<number, { readonly fields: Fields; readonly content: object }>();
    fc.assert(
      fc.property(fields, fc.boolean(), fc.nat(), (each, isFreed, which) => {
        const victim = [...kept.keys()][which % Math.max(1, kept.size)];
        if (isFreed && victim !== undefined) {
          blocks.free(victim);
          kept.delete(victim);
        }
        const answer = answerOf(each);
        const first = blocks.add(answer);
        expect(kept.has(first)).toBe(false);
        kept.set(first, { fields: each, content: contentOf(answer) });
        expect(blocks.octetCount(first)).toBe(answer.octetCount);
        for (const [at, { fields: asked, content }] of kept) {
          const found = find(blocks, at, asked);
          if (found === undefined) throw new Error('not found');
          expect(contentOf(found)).toEqual(content);
        }
      }),
      { numRuns: 300 },
    );
    expect(kept.size).toBeGreaterThan(20);
  });

  it('keeps the largest answer there can be', () => {
    const rest = Buffer.alloc(2 * MESSAGE_BYTES_MAX - 100, 7);
    const each = { name: wireName('a.example'), rest, startsAt: 0, qtype: 1, dnssecOk: false, checkingDisabled: false };
    const blocks = new AnswerBlocks();
    const answer = answerOf({ ...each, bodyBytes: 60_000 });
    answer.bodyBytes = 60_000;
    const found = find(blocks, blocks.add(answer), each);
    expect(found === undefined ? undefined : contentOf(found)).toEqual(contentOf(answer));
  });

  it('remembers what is noted of an entry', () => {
    const blocks = new AnswerBlocks();
    const each = { name: wireName('a.example'), rest: Buffer.alloc(9), startsAt: 0, qtype: 1, dnssecOk: false };
    const asked = { ...each, checkingDisabled: false };
    const first = blocks.add(answerOf(asked));
    const other = blocks.add(answerOf({ ...asked, qtype: 28 }));
    find(blocks, first, asked)!.noteHit();
    find(blocks, first, asked)!.noteHit();
    find(blocks, first, asked)!.noteClean(7, 4_000_000_000);
    expect(find(blocks, first, asked)).toMatchObject({
      hits: 2,
      cleanAtGeneration: 7,
      cleanAtSeconds: 4_000_000_000,
    });
    find(blocks, first, asked)!.noteFailedRefresh(1234.5);
    expect(find(blocks, first, asked)).toMatchObject({ hits: 2, retryAtMs: 1234.5 });
    expect(find(blocks, other, { ...asked, qtype: 28 })).toMatchObject({
      hits: 0,
      cleanAtGeneration: -1,
      retryAtMs: 0,
    });
  });

  it('gives a copy that its blocks’ next owner does not change', () => {
    const blocks = new AnswerBlocks();
    const asked = {
      name: wireName('a.example'),
      rest: Buffer.alloc(700, 1),
      startsAt: 3,
      qtype: 1,
      dnssecOk: false,
      checkingDisabled: false,
    };
    const first = blocks.add(answerOf(asked));
    const copy = find(blocks, first, asked)!.copy();
    const content = contentOf(copy);
    blocks.free(first);
    blocks.add(answerOf({ ...asked, rest: Buffer.alloc(700, 2) }));
    copy.noteHit();
    expect(contentOf(copy)).toEqual({ ...content, hits: 1 });
  });
});

describe('BlockArena', () => {
  it('gives no block out twice, and takes no more memory than was in use at once', () => {
    const arena = new BlockArena();
    const chains: number[][] = [];
    const inUse = new Set<number>();
    let most = 0;
    let highest = -1;
    let random = 1;
    for (let step = 0; step < 20_000; step++) {
      random = Math.imul(random, 1_103_515_245) + 12_345;
      if (chains.length > 400 || (random & 0x3000) === 0) {
        const chain = chains.splice((random >>> 16) % Math.max(1, chains.length), 1)[0];
        if (chain === undefined) continue;
        for (const block of chain) inUse.delete(block);
        arena.free(chain[0]!);
        continue;
      }
      const chain: number[] = [];
      for (let at = arena.take(1 + ((random >>> 20) % 9)); at !== NO_BLOCK; at = arena.next(at)) chain.push(at);
      expect(chain).toHaveLength(1 + ((random >>> 20) % 9));
      expect(chain.some((block) => inUse.has(block))).toBe(false);
      for (const block of chain) inUse.add(block);
      chains.push(chain);
      most = Math.max(most, inUse.size);
      highest = Math.max(highest, ...chain);
    }
    // Blocks are numbered as they are first given out.
    expect(highest + 1).toBe(most);
  });

  it('has as many blocks for an answer as it needs', () => {
    for (let octets = 0; octets < 3_000; octets++) {
      const room = (blocks: number) => 184 + (blocks - 1) * 252;
      expect(room(blocksFor(octets))).toBeGreaterThanOrEqual(octets);
      if (blocksFor(octets) > 1) expect(room(blocksFor(octets) - 1)).toBeLessThan(octets);
    }
  });
});
