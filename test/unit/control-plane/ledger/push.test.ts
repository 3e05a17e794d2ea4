/** A push: what enters, what is refused entry by entry, what the version and the delta say, and who may. */
import { describe, expect, test } from 'vitest';
import { BULK_ENTRIES_MIN } from '../../../../src/control-plane/ledger/measure-change.ts';
import {
  isDone,
  listSettings,
  namesOf,
  openTestLedger,
  PROPOSER,
  PUSHER,
  type TestLedger,
} from '../../../support/ledger-harness.ts';

const namesUpTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}.example`);

describe('a push', () => {
  test('enters as one version, whose delta is the new state of its names', async () => {
    const ledger = await openTestLedger();
    const done = await ledger.push([
      { name: 'Bücher.example', category: 'loan', reference: 'case 7', note: 'seen on a poster' },
      { name: 'https://Two.example/path', scope: 'exact', mode: 'shadow', expiresAt: '2030-01-01T00:00:00+02:00' },
    ]);
    expect(done).toMatchObject({ version: 1, accepted: 2, removed: 0, unchanged: 0, rejectedTotal: 0, heldTotal: 0 });
    expect(done.delta).toMatchObject({ list: 'desk', fromVersion: 0, toVersion: 1, entryCount: 2 });
    expect(done.delta.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(done.delta.names).toEqual([
      { name: 'two.example', entries: [expect.objectContaining({ scope: 'exact', mode: 'shadow' })] },
      {
        name: 'xn--bcher-kva.example',
        entries: [
          {
            name: 'xn--bcher-kva.example',
            scope: 'subtree',
            category: 'loan',
            categoryWord: undefined,
            reference: 'case 7',
            note: 'seen on a poster',
            expiresAtSeconds: 0,
            mode: 'enforce',
            rolloutSlot: 0,
            maintainer: 'Fraud desk',
            addedAtSeconds: ledger.nowSeconds,
            addedInVersion: 1,
            isApproved: false,
          },
        ],
      },
    ]);
    expect((await ledger.store.entries('desk', '', 1))[0]?.expiresAtSeconds).toBe(Date.UTC(2029, 11, 31, 22) / 1000);
    const rows = await ledger.store.versions('desk', 10);
    expect(rows).toMatchObject([{ version: 1, origin: 'push', added: 2, removed: 0, entryCount: 2, reason: 'a test' }]);
  });

  test('says of each entry that cannot be taken why, and takes the rest', async () => {
    const ledger = await openTestLedger();
    const bad = { scope: 'tree', category: 7, mode: 'block', note: 5 } as unknown as Record<string, string>;
    const done = await ledger.push(
      [
        'good.example',
        '192.0.2.1',
        'not a name',
        `${'x'.repeat(64)}.example`,
        { name: 'a.example', scope: bad['scope']! },
        { name: 'b.example', category: bad['category']! },
        { name: 'c.example', mode: bad['mode']! },
        { name: 'd.example', note: bad['note']! },
        { name: 'e.example', expiresAt: '2030-02-30T00:00:00Z' },
        { name: 'f.example', expiresAt: '1893456000' },
        { name: 'g.example', expiresAt: '2020-01-01T00:00:00Z' },
        { name: 'h.example', reference: 'r'.repeat(501) },
        { name: 'i.example', reference: 'r'.repeat(500) },
        'https://sites.google.com/view/one-of-many',
      ],
      { remove: ['absent.example', '!'] },
    );
    const codes = done.rejected.map(({ name, code }) => `${name.slice(0, 9)} ${code}`);
    expect(codes.toSorted()).toEqual(
      [
        '! notAName',
        '192.0.2.1 ipAddress',
        'a.example badScope',
        'absent.ex notListed',
        'b.example badCategory',
        'c.example badMode',
        'd.example badText',
        'e.example badExpiry',
        'f.example badExpiry',
        'g.example expired',
        'h.example textTooLong',
        'https://s urlWithPathOnSharedHost',
        'not a nam notAName',
        'xxxxxxxxx labelTooLong',
      ].toSorted(),
    );
    expect(done).toMatchObject({ accepted: 2, rejectedTotal: 14, version: 1 });
    expect(await namesOf(ledger.store)).toEqual(['subtree good.example', 'subtree i.example']);
  });

  test('keeps the word of a category that is none of ours', async () => {
    const ledger = await openTestLedger();
    await ledger.push([
      { name: 'a.example', category: 'Ponzi' },
      { name: 'b.example', category: 'SCAM' },
    ]);
    const entries = await ledger.store.entries('desk', '', 10);
    expect(entries.map(({ category, categoryWord }) => [category, categoryWord])).toEqual([
      ['other', 'Ponzi'],
      ['scam', undefined],
    ]);
  });

  test('that says what the list says already is no version', async () => {
    const ledger = await openTestLedger();
    await ledger.push([{ name: 'a.example', note: 'one' }]);
    const again = await ledger.push([{ name: 'A.example.', note: 'one' }]);
    expect(again).toMatchObject({
      version: 1,
      accepted: 0,
      unchanged: 1,
      delta: { fromVersion: 1, toVersion: 1, names: [] },
    });
    const changed = await ledger.push([{ name: 'a.example', note: 'two' }]);
    expect(changed).toMatchObject({ version: 2, accepted: 1, unchanged: 0 });
    expect(changed.delta).toMatchObject({ entryCount: 1, names: [{ entries: [{ note: 'two', addedInVersion: 2 }] }] });
  });

  test('of a name twice: the last one counts', async () => {
    const ledger = await openTestLedger();
    const done = await ledger.push([
      { name: 'a.example', note: 'one' },
      { name: 'a.example', note: 'two' },
    ]);
    expect(done).toMatchObject({ accepted: 1, unchanged: 1 });
    expect(await ledger.store.entries('desk', '', 10)).toMatchObject([{ note: 'two' }]);
  });

  test('keeps the scopes of a name apart, and removes both unless it says which', async () => {
    const ledger = await openTestLedger();
    const both = [
      { name: 'a.example', scope: 'exact' },
      { name: 'a.example', scope: 'subtree' },
    ];
    await ledger.push(both);
    const one = await ledger.push([], { remove: [{ name: 'a.example', scope: 'exact' }] });
    expect(one).toMatchObject({ version: 2, removed: 1, delta: { names: [{ entries: [{ scope: 'subtree' }] }] } });
    await ledger.push(both);
    const all = await ledger.push([], { remove: ['a.example'] });
    expect(all).toMatchObject({ removed: 2, rejectedTotal: 0, delta: { names: [{ name: 'a.example', entries: [] }] } });
    expect((await ledger.store.versions('desk', 1))[0]).toMatchObject({ origin: 'withdrawal', entryCount: 0 });
  });

  test('replaces what it removes and adds at once', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['a.example']);
    const done = await ledger.push([{ name: 'a.example', scope: 'exact' }], {
      remove: [{ name: 'a.example', scope: 'subtree' }],
    });
    expect(done).toMatchObject({ version: 2, accepted: 1, removed: 1 });
    expect(await namesOf(ledger.store)).toEqual(['exact a.example']);
  });

  test('leaves the entries of other lists', async () => {
    const ledger = await openTestLedger({ lists: [listSettings(), listSettings({ name: 'police' })] });
    await ledger.push(['a.example']);
    await ledger.push(['a.example'], { list: 'police' });
    await ledger.push([], { remove: ['a.example'] });
    expect(await ledger.store.lookUp(['a.example'])).toMatchObject([{ list: 'police', name: 'a.example' }]);
  });

  test('is refused where the list or the right is another', async () => {
    const lists = [
      listSettings(),
      listSettings({ name: 'pulled', source: 'pulled' }),
      listSettings({ name: 'hub', source: 'feed' }),
    ];
    const ledger = await openTestLedger({ lists, settings: { entriesMax: 3 } });
    const codeOf = async (...args: Parameters<TestLedger['tryPush']>) => {
      const outcome = await ledger.tryPush(...args);
      return outcome.kind === 'refused' ? outcome.code : 'done';
    };
    expect(await codeOf(['a.example'], { list: 'nobody' })).toBe('listUnknown');
    expect(await codeOf(['a.example'], { list: 'pulled' })).toBe('notAPushList');
    expect(await codeOf(['a.example'], { list: 'hub' })).toBe('notAPushList');
    expect(await codeOf(['a.example'], { actor: { ...PUSHER, rights: ['read', 'approve'] } })).toBe('forbidden');
    expect(await codeOf(['a.example'], { actor: { ...PUSHER, lists: ['police'] } })).toBe('forbidden');
    expect(await codeOf(['a.example', 'b.example', 'c.example', 'd.example'])).toBe('tooManyEntries');
    expect(await ledger.store.versions('desk', 10)).toEqual([]);
  });

  test('of a token that may only propose waits as a whole, but what it removes goes', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['old.example']);
    const done = await ledger.push(['new.example'], { remove: ['old.example'], actor: PROPOSER });
    expect(done).toMatchObject({ version: 2, accepted: 0, removed: 1, heldTotal: 1 });
    expect(done.held).toMatchObject([{ name: 'new.example', code: 'proposed' }]);
    expect(await namesOf(ledger.store)).toEqual([]);
  });

  test.each([
    [BULK_ENTRIES_MIN - 1, 'entry', BULK_ENTRIES_MIN - 1],
    [BULK_ENTRIES_MIN, 'update', 1],
  ])('of such a token with %d entries has holds of kind %s: %d', async (entries, kind, holds) => {
    const ledger = await openTestLedger();
    const done = await ledger.push(namesUpTo(entries), { actor: PROPOSER });
    expect(done).toMatchObject({ accepted: 0, heldTotal: entries });
    const open = await ledger.store.holds({ state: 'open', limit: 2 * entries });
    expect(open.map((hold) => hold.kind)).toEqual(Array(holds).fill(kind));
  });

  test('that grows the list too much waits as one, but what it corrects of the list enters', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['old.example']);
    const done = await ledger.push([...namesUpTo(BULK_ENTRIES_MIN), { name: 'old.example', note: 'corrected' }]);
    expect(done).toMatchObject({ version: 2, accepted: 1, heldTotal: BULK_ENTRIES_MIN });
    expect(await ledger.store.entries('desk', '', 10)).toMatchObject([{ name: 'old.example', note: 'corrected' }]);
    expect(await ledger.store.holds({ state: 'open', limit: 10 })).toMatchObject([{ kind: 'update', guard: 'growth' }]);
  });
});

describe('an idempotency key', () => {
  test('gets the same answer for the same request, with what the list says now', async () => {
    const ledger = await openTestLedger();
    const first = await ledger.push(['a.example', 'tld-hold'], { key: 'k1' });
    await ledger.push([], { remove: ['a.example'] });
    const again = await ledger.push(['a.example', 'tld-hold'], { key: 'k1' });
    const { delta, ...answer } = again;
    const { delta: _, ...before } = first;
    expect(answer).toEqual({ ...before, isReplay: true });
    expect(delta).toMatchObject({ fromVersion: 0, toVersion: 2, names: [{ name: 'a.example', entries: [] }] });
    expect((await ledger.store.versions('desk', 10)).length).toBe(2);
  });

  test('is refused for another request, and belongs to its token', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['a.example'], { key: 'k1' });
    for (const other of [
      ledger.tryPush(['b.example'], { key: 'k1' }),
      ledger.tryPush(['a.example'], { key: 'k1', reason: 'another' }),
      ledger.tryPush(['a.example'], { key: 'k1', remove: ['a.example'] }),
    ]) {
      expect(await other).toMatchObject({ kind: 'refused', code: 'idempotencyMismatch' });
    }
    const ofAnother = await ledger.tryPush(['b.example'], { key: 'k1', actor: { ...PUSHER, id: 'otherone' } });
    expect(isDone(ofAnother)).toMatchObject({ accepted: 1, isReplay: false });
  });

  test('is forgotten after 48 hours', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['a.example'], { key: 'k1' });
    ledger.nowSeconds += 48 * 3600 + 1;
    await ledger.store.tidyAll();
    const again = await ledger.push(['b.example'], { key: 'k1' });
    expect(again).toMatchObject({ isReplay: false, accepted: 1 });
  });
});
