/** What a person reads of a push, and what a script sees by the exit code. */
import { describe, expect, test } from 'vitest';
import { changeExitCode, changeText, isChangeAnswer, type ChangeAnswer } from '../../../src/cli/change-answer.ts';
import { changeAnswer } from '../../support/fake-api.ts';

function answer(fields: Partial<ChangeAnswer> = {}): ChangeAnswer {
  return changeAnswer(fields) as unknown as ChangeAnswer;
}

const REJECTED = { name: 'a b', code: 'notAName', detail: 'it is no domain name' };
const HELD = { name: 'bank.example', scope: 'subtree', code: 'protected', holdId: 'h12', detail: 'it is protected' };

describe('the text of a push', () => {
  test('says what is in force', () => {
    expect(changeText('desk', answer({ accepted: 2, removed: 1, unchanged: 3 }))).toBe(
      'desk version 42: 2 accepted, 1 removed, 3 unchanged; in force\n',
    );
  });

  test('says of what is staged for how many it holds', () => {
    const rollout = { id: 'r3', entries: 2, percent: 12.5 };
    expect(changeText('desk', answer({ accepted: 3, rollout }))).toBe(
      'desk version 42: 3 accepted, 0 removed; in force\n' +
        'staged: 2 entries hold for 12.5% of the client networks until rollout r3 goes on\n',
    );
    expect(changeText('desk', answer({ rollout: { ...rollout, entries: 1 } }))).toContain('staged: 1 entry holds for');
  });

  test('names what was rejected and held, and what to do next', () => {
    const text = changeText('desk', answer({ rejected: [REJECTED], rejectedTotal: 1, held: [HELD], heldTotal: 1 }));
    expect(text.split('\n')).toEqual([
      'desk version 42: 1 accepted, 0 removed, 1 rejected, 1 held; in force',
      'rejected:',
      '  a b [notAName] it is no domain name',
      'held, until somebody with the right approve decides:',
      '  bank.example (subtree) [protected] hold h12: it is protected',
      '  weir holds release h12 --reason "..."   or   weir holds reject h12 --reason "..."',
      '',
    ]);
  });

  test('shows the first twenty of each kind and counts all', () => {
    const rejected = Array.from({ length: 1000 }, (_, index) => ({ ...REJECTED, name: `bad ${index}` }));
    const held = Array.from({ length: 30 }, (_, index) => ({ ...HELD, holdId: `h${index}` }));
    const text = changeText('desk', answer({ rejected, rejectedTotal: 5000, held, heldTotal: 30 }));
    expect(text).toContain('  bad 19 [');
    expect(text).not.toContain('  bad 20 [');
    expect(text).toContain('  and 4980 more\n');
    expect(text).toContain('  and 10 more\n');
    expect(text).toContain('weir holds release HOLD ');
  });

  test('shows a hold of many entries as the one decision that it is', () => {
    const held = Array.from({ length: 1000 }, (_, index) => ({ ...HELD, code: 'growth', name: `n${index}.example` }));
    const one = changeText('desk', answer({ held, heldTotal: 1_000_000 }));
    expect(one.split('\n').slice(2)).toEqual([
      '  1000000 entries [growth] hold h12: it is protected (n0.example, n1.example, n2.example, ...)',
      '  weir holds release h12 --reason "..."   or   weir holds reject h12 --reason "..."',
      '',
    ]);
    const two = changeText('desk', answer({ held: [...held.slice(0, 2), { ...HELD, holdId: 'h13' }], heldTotal: 9 }));
    expect(two.split('\n').slice(2, 5)).toEqual([
      '  2 entries [growth] hold h12: it is protected (n0.example, n1.example)',
      '  bank.example (subtree) [protected] hold h13: it is protected',
      '  and 6 more',
    ]);
  });

  test('says that it was done before, and nothing of force where nothing changed', () => {
    const text = changeText('desk', answer({ accepted: 0, unchanged: 1, replayed: true }));
    expect(text).toContain('0 accepted, 0 removed, 1 unchanged (done before');
    expect(text).not.toContain('in force');
  });

  test('holds nothing that a terminal obeys', () => {
    const text = changeText('desk', answer({ rejected: [{ ...REJECTED, name: 'a\u001b[2J\nb' }], rejectedTotal: 1 }));
    expect(text).toContain('  a\\u{1b}[2J\\u{a}b [notAName]');
  });
});

test.each<[string, Partial<ChangeAnswer>, number]>([
  ['accepted', {}, 0],
  ['accepted and rejected', { rejectedTotal: 1, rejected: [REJECTED] }, 0],
  ['removed', { accepted: 0, removed: 1 }, 0],
  ['unchanged: it is as it was asked for', { accepted: 0, unchanged: 1 }, 0],
  ['nothing to do', { accepted: 0 }, 0],
  ['all rejected', { accepted: 0, rejectedTotal: 1, rejected: [REJECTED] }, 1],
  ['all held by the guard', { accepted: 0, heldTotal: 1, held: [HELD] }, 1],
  ['all proposed', { accepted: 0, heldTotal: 1, held: [{ ...HELD, code: 'proposed' }] }, 0],
  ['one proposed, one held', { accepted: 0, heldTotal: 2, held: [HELD, { ...HELD, code: 'proposed' }] }, 1],
])('the exit code of a push: %s', (_what, fields, code) => {
  expect(changeExitCode(answer(fields))).toBe(code);
});

test('an answer of something else is none', () => {
  expect(isChangeAnswer(changeAnswer())).toBe(true);
  for (const body of [null, [], {}, { ...changeAnswer(), accepted: '1' }, { ...changeAnswer(), held: {} }]) {
    expect(isChangeAnswer(body)).toBe(false);
  }
});
