import { describe, expect, it } from 'vitest';
import { createHostJudge } from '../../../../src/control-plane/warning-page/host-judge.ts';
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
const judge = createHostJudge(
  () => policy,
  () => 2_000_000,
);

describe('the judge of the warning page', () => {
  it('says of a blocked host what the resolver threads go by', () => {
    expect(judge('login.BAD.example')).toEqual({
      name: 'login.bad.example',
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

  it('blocks nothing while there is no policy', () => {
    expect(createHostJudge(() => undefined)('bad.example')).toBeUndefined();
  });
});
