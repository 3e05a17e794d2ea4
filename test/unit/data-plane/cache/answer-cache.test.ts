import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Answer } from '../../../../src/data-plane/cache/answer.ts';
import { AnswerCache, ENTRIES_MAX, ENTRY_BYTES_MIN } from '../../../../src/data-plane/cache/answer-cache.ts';
import { readAnswer } from '../../../../src/data-plane/cache/read-answer.ts';
import { Counter } from '../../../../src/telemetry/counters.ts';
import { ResolverHarness, responseTo, testConfig } from '../../../support/resolver-harness.ts';
import { aRecord, cnameRecord } from '../../../support/scripted-answers.ts';
import { wireName } from '../../../support/wire.ts';

const limits = testConfig().cache;

interface Question {
  readonly name: string;
  readonly qtype: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

const questionFor = (name: string): Question => ({ name, qtype: 1, dnssecOk: false, checkingDisabled: false });

/** An answer whose chain has `aliases` names. */
function answerFor({ name, ...rest }: Question, aliases = 0): Answer {
  const qname = wireName(name.toLowerCase());
  const question = { qname, qnameBytes: qname.length, ...rest };
  const names = [
    name,
    ...Array.from({ length: aliases }, (_, index) => `${name.split('.')[0]}.edge${index}.cdn.example.net`),
  ];
  const answers = [
    ...names.slice(1).map((target, index) => cnameRecord(names[index]!, target)),
    aRecord(names.at(-1)!),
  ];
  const message = responseTo(question, { answers });
  const answer = new Answer();
  if (!readAnswer(answer, question, message, 0, message.length, limits, 0)) throw new Error('no answer');
  return answer;
}

function keyOf(cache: AnswerCache, { name, qtype, dnssecOk, checkingDisabled }: Question): number {
  const bytes = wireName(name);
  return cache.keyOf({ bytes, qnameStart: 0, qnameBytes: bytes.length, qtype, dnssecOk }, checkingDisabled);
}

function store(cache: AnswerCache, question: Question, aliases = 0): void {
  cache.store(keyOf(cache, question), answerFor(question, aliases));
}

/** As the query path looks it up: the name lies somewhere in a message. */
function find(cache: AnswerCache, question: Question, key = keyOf(cache, question)): Answer | undefined {
  const { name, qtype, dnssecOk, checkingDisabled } = question;
  const qname = wireName(name);
  const bytes = new Uint8Array(17 + qname.length + 9).fill(0xee);
  bytes.set(qname, 17);
  return cache.find(key, { bytes, qnameStart: 17, qnameBytes: qname.length, qtype, dnssecOk }, checkingDisabled);
}

const label = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'Z', 'z', '0', '-'), minLength: 1, maxLength: 4 });
const question = fc.record({
  name: fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
  qtype: fc.constantFrom(1, 28, 65, 257),
  dnssecOk: fc.boolean(),
  checkingDisabled: fc.boolean(),
});
const identity = ({ name, ...rest }: Question) => JSON.stringify({ name: name.toLowerCase(), ...rest });

describe('AnswerCache', () => {
  it('finds exactly the question that was stored, in any letter case', () => {
    fc.assert(
      fc.property(fc.array(question, { maxLength: 20 }), fc.array(question, { maxLength: 20 }), (stored, asked) => {
        const cache = new AnswerCache(1_000_000);
        for (const each of stored) store(cache, each);
        const known = new Set(stored.map(identity));
        for (const each of [...asked, ...stored]) {
          expect(find(cache, each) !== undefined).toBe(known.has(identity(each)));
        }
        expect(cache.entryCount).toBe(known.size);
      }),
    );
  });

  it.each([
    ['name', { ...questionFor('two.example') }],
    ['longer name', { ...questionFor('www.one.example') }],
    ['type', { ...questionFor('one.example'), qtype: 28 }],
    ['DO', { ...questionFor('one.example'), dnssecOk: true }],
    ['CD', { ...questionFor('one.example'), checkingDisabled: true }],
  ])('does not give the answer of a question with the same key and another %s', (_, other) => {
    const cache = new AnswerCache(1_000_000);
    cache.store(7, answerFor(questionFor('one.example')));
    expect(find(cache, questionFor('ONE.example'), 7)).toBeDefined();
    expect(find(cache, other, 7)).toBeUndefined();
  });

  it('stays within its octets, whatever is stored, and gives way to what was used last', () => {
    const bytesMax = 40_000;
    const cache = new AnswerCache(bytesMax);
    const favourite = questionFor('favourite.example');
    store(cache, favourite);
    for (let index = 0; index < 500; index++) {
      store(cache, questionFor(`n${index}.example`), index % 5);
      expect(cache.bytes).toBeLessThanOrEqual(bytesMax);
      expect(find(cache, favourite)).toBeDefined();
    }
    expect(find(cache, questionFor('n0.example'))).toBeUndefined();
    expect(find(cache, questionFor('n499.example'))).toBeDefined();
    expect(cache.entryCount).toBeGreaterThan(20);
    expect(cache.takeEvictions()).toBe(501 - cache.entryCount);
    expect(cache.takeEvictions()).toBe(0);
  });

  it('keeps no more answers than a Map may hold, however many octets it has', () => {
    const cache = new AnswerCache(1e9, 10);
    for (let index = 0; index < 30; index++) store(cache, questionFor(`n${index}.example`));
    expect([cache.entryCount, cache.takeEvictions()]).toEqual([10, 20]);
    expect(find(cache, questionFor('n29.example'))).toBeDefined();
    // V8's limit is 2^24 places, of which those taken out count half the time.
    expect(ENTRIES_MAX).toBeLessThanOrEqual(2 ** 23);
  });

  it('takes a stored entry in place of the old one, without counting both', () => {
    const cache = new AnswerCache(1_000_000);
    store(cache, questionFor('one.example'), 4);
    const before = cache.bytes;
    store(cache, questionFor('one.example'), 0);
    expect(cache.entryCount).toBe(1);
    expect(cache.bytes).toBeLessThan(before);
    expect(cache.takeEvictions()).toBe(0);
  });

  it('keeps nothing where it is turned off, nor an answer larger than it is', () => {
    for (const bytesMax of [0, ENTRY_BYTES_MIN - 1]) {
      const cache = new AnswerCache(bytesMax);
      store(cache, questionFor('one.example'));
      expect(find(cache, questionFor('one.example'))).toBeUndefined();
      expect(cache.bytes).toBe(0);
    }
  });

  it('takes no more memory for a hundred times what it keeps', () => {
    const bytesMax = 1024 * 1024;
    const cache = new AnswerCache(bytesMax);
    const answers = [0, 1, 2, 3].map((aliases) => answerFor(questionFor('one.example'), aliases));
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 300_000; index++) cache.store(index, answers[index % 4]!);
    expect(cache.takeEvictions()).toBeGreaterThan(297_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * bytesMax);
  });

  it('forgets one answer, or all', () => {
    const cache = new AnswerCache(1_000_000);
    for (const name of ['one.example', 'two.example', 'three.example']) store(cache, questionFor(name));
    cache.remove(keyOf(cache, questionFor('one.example')));
    expect(cache.entryCount).toBe(2);
    expect(find(cache, questionFor('one.example'))).toBeUndefined();
    cache.clear();
    expect([cache.entryCount, cache.bytes]).toEqual([0, 0]);
  });

  it('gives each instance keys of its own, so that nobody can aim for collisions', () => {
    const keys = Array.from({ length: 8 }, () => keyOf(new AnswerCache(1_000), questionFor('one.example')));
    expect(new Set(keys).size).toBe(8);
    expect(keys.every(Number.isSafeInteger)).toBe(true);
  });

  it.each([0, 3])('takes no more of the heap than it counts, with chains of %i names', (aliases) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const entries = 30_000;
    const cache = new AnswerCache(1e9);
    // Why first: code that is compiled on the way must not count.
    for (let index = 0; index < 2_000; index++) store(cache, questionFor(`warm-${index}.example`), aliases);
    collect();
    const countedBefore = cache.bytes;
    const before = process.memoryUsage();
    for (let index = 0; index < entries; index++) store(cache, questionFor(`host-${index}.example`), aliases);
    collect();
    const after = process.memoryUsage();
    const used = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers);
    // Why not exactly: now and then two of them share a key of 32 bits (one pair in eight runs).
    expect(entries + 2_000 - cache.entryCount).toBeLessThan(10);
    // Why not 1: the lists and the map of the cache grow by doubling.
    expect(used / (cache.bytes - countedBefore)).toBeLessThan(1.5);
  });
});

const fill = (weir: ResolverHarness, from: number, to: number) => {
  for (let index = from; index < to; index++) {
    weir.ask(`n${index}.example`);
    weir.upstream.last.answer({ answers: [aRecord(`n${index}.example`)] });
  }
  weir.resolver.tick(weir.respond.tick());
};

describe('a resolver’s cache', () => {
  it('shows its entries, octets and evictions, and a thread’s successor counts evictions on', () => {
    const weir = new ResolverHarness({ config: { cache: { bytesMax: 4_000 } } });
    weir.cells[Counter.cacheEvictions] = 1_000;
    fill(weir, 0, 50);
    const { entryCount, bytes } = weir.resolver.cache;
    expect(entryCount).toBeGreaterThan(0);
    expect(weir.cells[Counter.cacheEntries]).toBe(entryCount);
    expect(weir.cells[Counter.cacheBytes]).toBe(bytes);
    expect(weir.cells[Counter.cacheEvictions]).toBe(1_000 + 50 - entryCount);
    fill(weir, 50, 51);
    expect(weir.cells[Counter.cacheEvictions]).toBe(1_000 + 51 - weir.resolver.cache.entryCount);
  });

  it('follows a new size in the configuration, and is kept where the size stays', () => {
    const weir = new ResolverHarness();
    fill(weir, 0, 20);
    weir.resolver.configure(testConfig({ cache: { prefetch: false } }));
    expect(weir.ask('n0.example').wasLate).toBe(false);
    weir.resolver.configure(testConfig({ cache: { bytesMax: 4_000 } }));
    fill(weir, 0, 50);
    expect(weir.resolver.cache.bytes).toBeLessThanOrEqual(4_000);
    expect(weir.resolver.cache.entryCount).toBeGreaterThan(0);
  });

  it('answers nothing where it is turned off', () => {
    const weir = new ResolverHarness({ config: { cache: { bytesMax: 0 } } });
    fill(weir, 0, 1);
    expect(weir.ask('n0.example').wasLate).toBe(true);
  });
});
