/** Questions for references: one for all who look at an entry, few at a time, and no reader waits long. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReferenceQuestion } from '../../../../src/control-plane/messages.ts';
import type { BlockedHost } from '../../../../src/control-plane/warning-page/blocked-host.ts';
import {
  EntryReferences,
  FOUND_MS,
  LATE_MS,
  NONE_MS,
  PENDING_MAX,
  QUESTION_RATE,
  REMEMBERED_MAX,
  REPLY_TIMEOUT_MS,
  UNAVAILABLE_MS,
} from '../../../../src/control-plane/warning-page/entry-references.ts';
import { BLOCKED } from '../../../support/warning-page.ts';

const FOUND = { kind: 'found', reference: 'Case 17' } as const;

let sent: { readonly id: number; readonly question: ReferenceQuestion }[];
let now: number;
let references: EntryReferences;
beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  now = 0;
  references = new EntryReferences({
    send: (id, question) => sent.push({ id, question }),
    nowMs: () => now,
  });
});
afterEach(() => vi.useRealTimers());

const of = (more: Partial<BlockedHost> = {}) => references.of({ ...BLOCKED, ...more });
const reply = (answer: Parameters<EntryReferences['take']>[1]) => references.take(sent.at(-1)!.id, answer);

describe('a reference', () => {
  it('is asked for once by all who look at the entry, and remembered', async () => {
    const both = [of(), of({ name: 'other.bad.example' })];
    reply(FOUND);
    expect([await both[0], await both[1]]).toEqual(['Case 17', 'Case 17']);
    expect(of()).toBe('Case 17');
    expect(sent.map(({ question }) => question)).toEqual([
      { list: 'police-fraud', entry: 'bad.example', isOwnName: false },
    ]);
  });

  it('is asked for anew for another version of the list, another entry, and the entry’s own name', () => {
    void of();
    reply(FOUND);
    void of({ version: 43 });
    void of({ entry: 'login.bad.example' });
    void of({ name: 'bad.example' });
    void of({ name: 'shop.example', target: 'bad.example' });
    expect(sent.map(({ question }) => [question.entry, question.isOwnName])).toEqual([
      ['bad.example', false],
      ['bad.example', false],
      ['login.bad.example', true],
      ['bad.example', true],
    ]);
  });

  it.each([
    [FOUND, FOUND_MS],
    [{ kind: 'none' }, NONE_MS],
    [{ kind: 'unavailable' }, UNAVAILABLE_MS],
  ] as const)('is remembered as %j for its time and no longer', (answer, ms) => {
    void of();
    reply(answer);
    now += ms - 1;
    void of();
    expect(sent).toHaveLength(1);
    now += 1;
    void of();
    expect(sent).toHaveLength(2);
  });

  it('is shown as one clean line', () => {
    void of();
    reply({ kind: 'found', reference: ' a\u202e\nb ' });
    expect(of()).toBe('a b');
  });

  it('is forgotten when lists may be others', async () => {
    void of();
    reply(FOUND);
    const open = of({ version: 43 });
    references.clear();
    expect(await open).toBeUndefined();
    void of();
    expect(sent).toHaveLength(3);
  });
});

describe('limits', () => {
  it('a reader waits so long and no longer; while an answer is late nobody waits, and then one asks again', async () => {
    const first = of();
    await vi.advanceTimersByTimeAsync(REPLY_TIMEOUT_MS);
    expect(await first).toBeUndefined();
    expect([of(), of({ version: 43 }), sent.length]).toEqual([undefined, undefined, 1]);
    const other = of({ list: 'other' });
    reply(FOUND);
    expect(await other).toBe('Case 17');
    await vi.advanceTimersByTimeAsync(LATE_MS);
    void of();
    expect(sent).toHaveLength(3);
    references.take(sent[0]!.id, FOUND);
    expect(of()).toBeInstanceOf(Promise);
  });

  it('an answer that comes late is there for the next reader', async () => {
    void of();
    await vi.advanceTimersByTimeAsync(REPLY_TIMEOUT_MS);
    reply(FOUND);
    expect(of()).toBe('Case 17');
    void of({ version: 43 });
    expect(sent).toHaveLength(2);
  });

  it('only so many are under way', async () => {
    for (let version = 0; version < PENDING_MAX; version++) void of({ version });
    expect(of({ version: PENDING_MAX })).toBeUndefined();
    expect(sent).toHaveLength(PENDING_MAX);
    reply(FOUND);
    void of({ version: PENDING_MAX });
    expect(sent).toHaveLength(PENDING_MAX + 1);
  });

  it('a list of which nothing can be said is not asked about for a while, whatever the entry; others are', () => {
    void of();
    const open = of({ entry: 'a.example' });
    references.take(sent[0]!.id, { kind: 'unavailable' });
    expect(open).toBeInstanceOf(Promise);
    expect(of({ entry: 'b.example' })).toBeUndefined();
    expect(of({ list: 'other' })).toBeInstanceOf(Promise);
    now += UNAVAILABLE_MS;
    expect(of({ entry: 'b.example' })).toBeInstanceOf(Promise);
    expect(sent).toHaveLength(4);
  });

  it('only so many are sent a second, and what is remembered goes on being shown', () => {
    const asked = (count: number): number => {
      const before = sent.length;
      for (let i = 0; i < count; i++) {
        void of({ entry: `${now}-${i}.example` });
        if (sent.length > before) reply(FOUND);
      }
      return sent.length - before;
    };
    expect(asked(2 * QUESTION_RATE.burst)).toBe(QUESTION_RATE.burst);
    expect(of({ entry: '0-0.example' })).toBe('Case 17');
    now += 1_000;
    expect(asked(2 * QUESTION_RATE.burst)).toBe(QUESTION_RATE.perSecond);
  });

  it('only so many are remembered, those that were used of late', () => {
    for (let version = 0; version < REMEMBERED_MAX; version++) {
      now += 1_000 / QUESTION_RATE.perSecond;
      void of({ version });
      reply(FOUND);
    }
    expect(of({ version: 0 })).toBe('Case 17');
    now += 1_000;
    void of({ version: REMEMBERED_MAX });
    reply(FOUND);
    expect([of({ version: 0 }), of({ version: 2 })]).toEqual(['Case 17', 'Case 17']);
    now += 1_000;
    expect(of({ version: 1 })).toBeInstanceOf(Promise);
  });
});
