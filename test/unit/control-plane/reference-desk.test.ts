/** The control thread's answers to the warning page: of the entry that blocks, and always one. */
import { describe, expect, it } from 'vitest';
import type { LedgerEntry, NameState } from '../../../src/control-plane/ledger/ledger.ts';
import type { FoundEntry } from '../../../src/control-plane/list-sync/find-entries.ts';
import { ReferenceDesk, UNDER_WAY_MAX } from '../../../src/control-plane/reference-desk.ts';

type Entry = Pick<LedgerEntry, 'scope' | 'mode' | 'reference'>;
const stateOf = (list: string, ...entries: Entry[]) =>
  ({ name: 'bad.example', list, entries }) as unknown as NameState & { readonly list: string };
const entry = (reference: string | undefined, scope: Entry['scope'] = 'subtree', mode: Entry['mode'] = 'enforce') => ({
  scope,
  mode,
  reference,
});
const question = { list: 'desk', entry: 'bad.example', isOwnName: false };

type Options = ConstructorParameters<typeof ReferenceDesk>[0];
const deskOn = (ledger: Options['ledger'], entriesOf: Options['entriesOf'] = () => []) =>
  new ReferenceDesk({ ledger, isOfLedger: (list) => list === 'desk', entriesOf });

function answerOf(states: readonly ReturnType<typeof stateOf>[], more: Partial<typeof question> = {}) {
  return deskOn(async () => ({ lookUp: async () => states })).answer({ ...question, ...more });
}

describe('the reference', () => {
  it('is the one that the list in question gives', async () => {
    const states = [stateOf('other', entry('B')), stateOf('desk', entry('A'))];
    expect(await answerOf(states)).toEqual({ kind: 'found', reference: 'A' });
  });

  it('is that of the exact entry for the name itself, and of the other for names below', async () => {
    const states = [stateOf('desk', entry('subtree'), entry('exact', 'exact'))];
    expect(await answerOf(states, { isOwnName: true })).toEqual({ kind: 'found', reference: 'exact' });
    expect(await answerOf(states)).toEqual({ kind: 'found', reference: 'subtree' });
    expect(await answerOf([stateOf('desk', entry('exact', 'exact'))])).toEqual({ kind: 'none' });
  });

  it('is none where no entry that blocks has one', async () => {
    expect(await answerOf([])).toEqual({ kind: 'none' });
    expect(await answerOf([stateOf('desk', entry(undefined))])).toEqual({ kind: 'none' });
    expect(await answerOf([stateOf('desk', entry('A', 'subtree', 'shadow'))])).toEqual({ kind: 'none' });
    expect(await deskOn(async () => undefined).answer(question)).toEqual({ kind: 'none' });
  });

  it('is unavailable where the ledger fails, and where too many are asked for', async () => {
    const failing = deskOn(async () => Promise.reject(new Error('closed')));
    expect(await failing.answer(question)).toEqual({ kind: 'unavailable' });
    const { promise, resolve } = Promise.withResolvers<readonly []>();
    const slow = deskOn(async () => ({ lookUp: () => promise }));
    const waiting = Array.from({ length: UNDER_WAY_MAX }, () => slow.answer(question));
    expect(await slow.answer(question)).toEqual({ kind: 'unavailable' });
    resolve([]);
    await Promise.all(waiting);
    expect(await slow.answer(question)).toEqual({ kind: 'none' });
  });
});

describe('the reference in a pulled list', () => {
  const pulled = { ...question, list: 'pulled' };
  const found = (reference: string, more: Partial<FoundEntry> = {}) => {
    const rest = { kind: 'block', categoryIndex: 0, expiresAtSeconds: 0, isHeld: false, name: 'bad.example' } as const;
    const provenance = { reference } as FoundEntry['provenance'];
    return { ...rest, scope: 'subtree' as const, provenance, ...more };
  };
  const noLedger = async () => Promise.reject(new Error('not to be asked'));

  it('is that of the entry that is in force', async () => {
    const asked: unknown[] = [];
    const desk = deskOn(noLedger, (list, name) => {
      asked.push([list, Buffer.from(name).toString('latin1')]);
      return [
        found('held', { isHeld: true }),
        found('over', { expiresAtSeconds: 1 }),
        found('exception', { kind: 'exception' }),
        found('A'),
      ];
    });
    expect(await desk.answer(pulled)).toEqual({ kind: 'found', reference: 'A' });
    expect(asked).toEqual([['pulled', '\u0003bad\u0007example\0']]);
  });

  it('is unavailable where the list cannot be looked into now', async () => {
    expect(await deskOn(noLedger, () => undefined).answer(pulled)).toEqual({ kind: 'unavailable' });
    expect(await deskOn(noLedger, () => []).answer(pulled)).toEqual({ kind: 'none' });
  });
});
