import { describe, expect, test } from 'vitest';
import { createGuard } from '../../../../../src/control-plane/list-sync/guard/create-guard.ts';
import { GUARD_CODES } from '../../../../../src/control-plane/list-sync/guard/guard.ts';

const guard = createGuard({
  protectedNames: ['bank.com', 'www.hospital.org'],
  popularNames: ['popular.net', 'www.deep.popular2.net'],
  sharedHosts: ['dyn.host.net'],
  approved: ['approved.popular.net', 'popular3.net'],
  listSourceHosts: ['lists.source.com'],
});

describe('the guard holds', () => {
  test.each([
    ['.', 'subtree', 'root', 'it is the root of the DNS: it would block every name'],
    ['com', 'subtree', 'tld', 'com is a top-level domain'],
    ['no-such-tld', 'exact', 'tld', 'no-such-tld is a top-level domain'],
    [
      'co.uk',
      'subtree',
      'publicSuffix',
      'co.uk is a public suffix: anyone may register names below it; list the names below it',
    ],
    [
      'github.io',
      'exact',
      'publicSuffix',
      'github.io is a public suffix: unrelated customers share it; list the names below it',
    ],
    ['bank.com', 'exact', 'protected', 'bank.com is a protected name'],
    ['login.bank.com', 'exact', 'protected', 'login.bank.com belongs to the protected name bank.com'],
    ['hospital.org', 'subtree', 'protected', 'it would block the protected name www.hospital.org below it'],
    ['popular.net', 'exact', 'popular', 'popular.net is number 1 of the popular names'],
    [
      'popular2.net',
      'subtree',
      'popularBelow',
      'it would block www.deep.popular2.net below it, number 2 of the popular names',
    ],
    [
      'deep.popular2.net',
      'subtree',
      'popularBelow',
      'it would block www.deep.popular2.net below it, number 2 of the popular names',
    ],
    ['dyn.host.net', 'subtree', 'sharedHost', 'dyn.host.net is named in sharedHosts; block the names below it'],
    ['host.net', 'subtree', 'sharedHost', 'it would block the shared host dyn.host.net below it'],
    [
      'bit.ly',
      'subtree',
      'sharedHost',
      'bit.ly serves many owners, told apart by the path; block pages there, not the host',
    ],
    ['lists.source.com', 'exact', 'listSource', 'lists are fetched from lists.source.com'],
    ['source.com', 'subtree', 'listSource', 'lists are fetched from lists.source.com'],
  ] as const)('%s (%s) as %s', (name, scope, code, detail) => {
    expect(guard.check(name, scope)).toEqual({ guard: code, detail });
    expect(GUARD_CODES).toContain(code);
  });
});

describe('the guard lets through', () => {
  test.each([
    ['evil.example', 'subtree'],
    ['evil.github.io', 'subtree'],
    ['evil.co.uk', 'subtree'],
    ['evil.popular.net', 'subtree'],
    ['evil.dyn.host.net', 'subtree'],
    ['notbank.com', 'subtree'],
    ['hospital.org', 'exact'],
    ['popular2.net', 'exact'],
    ['host.net', 'exact'],
    ['source.com', 'exact'],
    ['popular3.net', 'subtree'],
    ['_x.evil.example', 'exact'],
  ] as const)('%s (%s)', (name, scope) => {
    expect(guard.check(name, scope)).toBeUndefined();
  });

  test('a name that a person has approved, and that one only', () => {
    const approving = createGuard({
      protectedNames: ['bank.com'],
      popularNames: ['popular.net'],
      sharedHosts: [],
      approved: ['popular.net', 'hacked.bank.com', 'bit.ly', 'github.io'],
    });
    expect(approving.check('popular.net', 'subtree')).toBeUndefined();
    expect(approving.check('hacked.bank.com', 'subtree')).toBeUndefined();
    expect(approving.check('bit.ly', 'subtree')).toBeUndefined();
    expect(approving.check('github.io', 'subtree')).toBeUndefined();
    expect(approving.check('other.bank.com', 'subtree')?.guard).toBe('protected');
  });
});

test('hosts that unrelated people share: public suffixes, hosts told apart by the path, and the operator’s', () => {
  const shared = ['github.io', 'docs.google.com', 'dyn.host.net', 'popular.net', 'x.github.io'];
  expect(shared.filter((name) => guard.isSharedHost(name))).toEqual(['github.io', 'docs.google.com', 'dyn.host.net']);
});
