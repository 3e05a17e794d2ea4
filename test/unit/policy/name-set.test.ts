import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { nameToText } from '../../../src/dns/name.ts';
import { hashName } from '../../../src/policy/name-hash.ts';
import { AddOutcome, NameSetBuilder } from '../../../src/policy/name-set-builder.ts';
import { NameSet } from '../../../src/policy/name-set.ts';
import { EMPTY_RULE_SET } from '../../../src/policy/rule-set.ts';
import { ruleWords, wireName } from '../../support/publish-policy.ts';
import { REAL_DATA_REASON, realData } from '../../support/real-data.ts';

const SEED = 42;
const rule = ruleWords({ name: 'x' });
const otherRule = ruleWords({ name: 'x', list: 1 });

function built(names: readonly string[], entriesExpected = names.length): NameSet {
  const builder = new NameSetBuilder({ entriesExpected, seed: SEED });
  for (const name of names) builder.add(wireName(name), 0, ...rule);
  return new NameSet(builder.build());
}

function find(set: NameSet, text: string): number {
  const name = wireName(text);
  return set.find(hashName(name, 0, set.buffers.seed) ?? 0, name, 0);
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `shop-${i}.${i % 7}.example`);
}

describe('a name set', () => {
  it.each([0, 1, 2, 15, 16, 17, 1000, 30_000])('of %i names finds each of them and no other', (count) => {
    const names = numbered(count);
    const set = built(names);
    expect(set.entryCount).toBe(count);
    expect(names.filter((name) => find(set, name) < 0)).toEqual([]);
    const absent = Array.from({ length: 20_000 }, (_, i) => `absent-${i}.example`);
    expect(absent.filter((name) => find(set, name) >= 0)).toEqual([]);
  });

  it('is about as small whether the number of entries was guessed or not', () => {
    const names = numbered(5000);
    const set = built(names, 0);
    expect(set.entryCount).toBe(5000);
    expect(set.bytesTotal).toBeLessThanOrEqual(built(names).bytesTotal * 1.25);
    expect(names.filter((name) => find(set, name) < 0)).toEqual([]);
  });

  it('finds a name in any letter case, stored in any letter case', () => {
    const set = built(['PAY.Example']);
    expect(find(set, 'pay.EXAMPLE')).toBeGreaterThan(0);
    const stored: string[] = [];
    set.forEach((nameOffset) => stored.push(nameToText(set.names, nameOffset)));
    expect(stored).toEqual(['pay.example']);
  });

  it('does not take a name for another that has the same hash', () => {
    const byHash = new Map<number, string>();
    let pair: [string, string] | undefined;
    for (let i = 0; pair === undefined && i < 1_000_000; i++) {
      const name = `n${i}.example`;
      const hash = hashName(wireName(name), 0, SEED) ?? 0;
      const other = byHash.get(hash);
      if (other !== undefined) pair = [other, name];
      byHash.set(hash, name);
    }
    const [first, second] = pair!;
    expect(find(built([first]), second)).toBe(-1);
    const both = built([first, second]);
    expect(find(both, first)).toBeGreaterThan(0);
    expect(find(both, second)).toBeGreaterThan(0);
  });

  it('compares every octet of a name whose hash is the same', () => {
    const stored = wireName('pay.example');
    const set = built(['pay.example']);
    const hash = hashName(stored, 0, SEED)!;
    expect(set.find(hash, stored, 0)).toBeGreaterThan(0);
    for (const other of ['bay.example', 'pax.example', 'pay.fxample', 'pay.exampla', 'payexamp.le', 'p.ay.example'])
      expect(set.find(hash, wireName(other), 0)).toBe(-1);
  });

  it('does not take a name for another that begins or ends like it', () => {
    const set = built(['pay.example', 'a\\000b.example']);
    for (const other of ['pay', 'example', 'xpay.example', 'pay.example.example', 'pay\\.example', 'a.example']) {
      expect(find(set, other)).toBe(-1);
    }
    expect(find(set, 'a\\000b.example')).toBeGreaterThan(0);
  });

  it('holds names whose hashes are all at the end of the table', () => {
    const top: string[] = [];
    for (let i = 0; top.length < 200; i++) {
      const name = `t${i}.example`;
      if ((hashName(wireName(name), 0, SEED) ?? 0) >= 0xffc0_0000) top.push(name);
    }
    const set = built(top);
    expect(top.filter((name) => find(set, name) < 0)).toEqual([]);
    expect(find(set, 'absent.example')).toBe(-1);
  });

  it('holds the longest name and the one with most labels', () => {
    const longest = [63, 63, 63, 61].map((bytes) => 'x'.repeat(bytes)).join('.');
    const deepest = Array.from({ length: 127 }, () => 'a').join('.');
    const set = built([longest, deepest]);
    expect(find(set, longest)).toBeGreaterThan(0);
    expect(find(set, deepest)).toBeGreaterThan(0);
  });
});

describe('building a name set', () => {
  it('joins the rules of a name that comes twice', () => {
    const builder = new NameSetBuilder({ entriesExpected: 1, seed: SEED });
    expect(builder.add(wireName('pay.example'), 0, ...otherRule)).toBe(AddOutcome.added);
    expect(builder.add(wireName('PAY.example'), 0, ...rule)).toBe(AddOutcome.merged);
    const set = new NameSet(builder.build());
    expect(set.entryCount).toBe(1);
    const offset = find(set, 'pay.example');
    expect([...set.rules.subarray(offset, offset + 5)]).toEqual([2, ...rule, ...otherRule]);
  });

  it('stores a removal as an entry without rules, and takes rules added later', () => {
    const builder = new NameSetBuilder({ entriesExpected: 2, seed: SEED });
    builder.add(wireName('gone.example'), 0, ...rule);
    expect(builder.addRemoval(wireName('gone.example'), 0)).toBe(AddOutcome.merged);
    expect(builder.addRemoval(wireName('back.example'), 0)).toBe(AddOutcome.added);
    builder.add(wireName('back.example'), 0, ...rule);
    const set = new NameSet(builder.build());
    expect(find(set, 'gone.example')).toBe(EMPTY_RULE_SET);
    expect(set.rules[EMPTY_RULE_SET]).toBe(0);
    expect(set.rules[find(set, 'back.example')]).toBe(1);
  });

  it.each([
    ['the root', [0]],
    ['nothing', []],
    ['a name cut short', [5, 97, 98]],
    ['a name without its root label', [1, 97]],
    ['a compression pointer', [0xc0, 12]],
  ])('refuses %s', (_, octets) => {
    const builder = new NameSetBuilder({ entriesExpected: 1, seed: SEED });
    expect(builder.add(new Uint8Array(octets), 0, ...rule)).toBe(AddOutcome.invalid);
    expect(builder.entryCount).toBe(0);
  });

  it('works in used buffers of the pool that are larger than it asked for', () => {
    const names = numbered(1000);
    const builder = new NameSetBuilder({
      entriesExpected: 10,
      seed: SEED,
      buffers: {
        take: (bytes) => {
          const buffer = new SharedArrayBuffer((Math.ceil(bytes / 4) + 1000) * 4 + 1);
          new Uint8Array(buffer).fill(0x61);
          return buffer;
        },
      },
    });
    for (const name of names) builder.add(wireName(name), 0, ...rule);
    const set = new NameSet(builder.build());
    expect(names.filter((name) => find(set, name) < 0)).toEqual([]);
    expect(find(set, 'absent.example')).toBe(-1);
    let visited = 0;
    set.forEach(() => visited++);
    expect(visited).toBe(1000);
  });
});

describe.skipIf(realData === undefined)(`a million real names (${REAL_DATA_REASON})`, () => {
  it('take at most 48 octets each, and each is found', () => {
    const text = zstdDecompressSync(readFileSync(`${realData}/fraud-1m.txt.zst`)).toString('latin1');
    const names = text.split('\n').filter((line) => line !== '');
    const set = built(names);
    expect(set.entryCount).toBe(1_000_000);
    expect(set.bytesTotal / set.entryCount).toBeLessThanOrEqual(48);
    expect(names.filter((name) => find(set, name) < 0)).toEqual([]);
    expect(names.slice(0, 100_000).filter((name) => find(set, `not-there.${name}`) >= 0)).toEqual([]);
  });
});
