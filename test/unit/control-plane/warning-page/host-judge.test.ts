import { describe, expect, it } from 'vitest';
import { createHostJudge } from '../../../../src/control-plane/warning-page/host-judge.ts';
import { nameToText } from '../../../../src/dns/name.ts';
import { clientOctets } from '../../../../src/policy/address.ts';
import { incidentId } from '../../../../src/policy/incident.ts';
import { testPolicy, wireName } from '../../../support/publish-policy.ts';

const policy = testPolicy({
  lists: [{ name: 'police', authority: 'City Police', order: 'authority', version: 7 }],
  entries: [
    { name: 'bad.example', category: 'loan' },
    { name: 'exact.example', scope: 'exact' },
    { name: 'watched.example', mode: 'shadow' },
    { name: 'expired.example', expiresAtSeconds: 1000 },
    { name: 'nowhere.example', action: 'nodata' },
    { name: 'ok.bad.example', kind: 'allow' },
  ],
});
const judge = createHostJudge({ policy: () => policy, nowMs: () => 2_000_000 });

describe('the judge of the warning page', () => {
  it('says of a blocked host what the resolver threads go by', () => {
    expect(judge('login.BAD.example')).toEqual({
      name: 'login.bad.example',
      target: undefined,
      entry: 'bad.example',
      category: 'loan',
      list: 'police',
      authority: 'City Police',
      order: 'authority',
      version: 7,
      incident: incidentId('police', 7, wireName('bad.example')),
    });
  });

  it.each([
    'good.example',
    'below.exact.example',
    'watched.example',
    'expired.example',
    'ok.bad.example',
    'nowhere.example',
    '',
    'a..b',
  ])('does not call %j blocked', (host) => {
    expect(judge(host)).toBeUndefined();
  });

  it('tells a visitor of a rule that is being rolled out, unless it holds for nobody', () => {
    const stage = (slot: number, permyriad: number) => ({ listIndex: 0, slot, permyriad });
    const staged = testPolicy({
      lists: [{ name: 'police' }, { name: 'court' }],
      entries: [
        { name: 'some.example', rolloutSlot: 1 },
        { name: 'none.example', rolloutSlot: 2 },
        { name: 'both.example', rolloutSlot: 2 },
        { name: 'both.example', list: 1 },
      ],
      rollouts: { key: new Uint8Array(16), stages: [stage(1, 1), stage(2, 0)] },
    });
    const judgeStaged = createHostJudge({ policy: () => staged, nowMs: () => 2_000_000 });
    const visitor = clientOctets('192.0.2.1');
    expect(judgeStaged('some.example', visitor)?.list).toBe('police');
    expect(judgeStaged('some.example')?.list).toBe('police');
    expect(judgeStaged('none.example', visitor)).toBeUndefined();
    expect(judgeStaged('both.example', visitor)?.list).toBe('court');
  });

  it('blocks nothing while there is no policy', () => {
    expect(createHostJudge({ policy: () => undefined })('bad.example')).toBeUndefined();
  });
});

describe('a name that was blocked by what it leads to', () => {
  const chained = testPolicy({
    lists: [{ name: 'police', version: 7 }],
    entries: [
      { name: 'bad.example' },
      { name: 'nowhere.example', action: 'nodata' },
      { name: 'ok.example', kind: 'allow' },
      { name: 'bank.example', kind: 'protect' },
    ],
  });
  const asked: number[] = [];
  const targets = new Map([
    ['shop.example', 'cdn.bad.example'],
    ['ok.example', 'bad.example'],
    ['bank.example', 'bad.example'],
    ['lifted.example', 'good.example'],
    ['silent.example', 'nowhere.example'],
  ]);
  const judgeChain = createHostJudge({
    policy: () => chained,
    targetOf: (name, sinceSeconds) => {
      asked.push(sinceSeconds);
      const target = targets.get(nameToText(name, 0));
      return target === undefined ? undefined : wireName(target);
    },
    sinkholeTtlSeconds: () => 30,
    nowMs: () => 2_000_000,
  });

  it('is shown with what it leads to, and the entry of that', () => {
    expect(judgeChain('shop.example')).toMatchObject({
      name: 'shop.example',
      target: 'cdn.bad.example',
      entry: 'bad.example',
      list: 'police',
      incident: incidentId('police', 7, wireName('bad.example')),
    });
    expect(asked.at(-1)).toBe(2000 - 30 - 600);
  });

  it.each([
    ['is allowed itself', 'ok.example'],
    ['is protected', 'bank.example'],
    ['leads to what is not listed any more', 'lifted.example'],
    ['leads to what is not sinkholed', 'silent.example'],
    ['was never asked for', 'other.example'],
  ])('is not shown where it %s', (_case, host) => {
    expect(judgeChain(host)).toBeUndefined();
  });
});
