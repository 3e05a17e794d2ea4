/** The data in blocklists/: it reads without a skipped line, harms nobody, and is what the README says it is. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { normaliseName } from '../../../../src/control-plane/list-sync/format/normalise-name.ts';
import { readNames } from '../../../../src/control-plane/list-sync/format/read-names.ts';
import { createGuard } from '../../../../src/control-plane/list-sync/guard/create-guard.ts';
import { isPathHost } from '../../../../src/control-plane/list-sync/guard/path-hosts.ts';
import { loadConfig } from '../../../../src/config/load-config.ts';
import { PROJECT_ROOT } from '../../../support/source-files.ts';

async function namesOf(file: string): Promise<readonly string[]> {
  const outcome = await readNames(join(PROJECT_ROOT, 'blocklists', file));
  expect(outcome).toMatchObject({ kind: 'read', report: { skippedByReason: {} } });
  return outcome.kind === 'read' ? outcome.names : [];
}

describe('blocklists/', () => {
  test('the sample blocks names under reserved ones only', async () => {
    const names = await namesOf('sample-fraud.txt');
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !/\.example(?:\.(?:com|net|org))?$/.test(name))).toEqual([]);
  });

  test('the protected names are many, each once, and hold none of the sample', async () => {
    const names = await namesOf('protected-names.txt');
    expect(names.length).toBeGreaterThan(500);
    expect(new Set(names).size).toBe(names.length);
    const guard = createGuard({ protectedNames: names, popularNames: [], sharedHosts: [], approved: [] });
    const held = (await namesOf('sample-fraud.txt')).filter((name) => guard.check(name, 'subtree') !== undefined);
    expect(held).toEqual([]);
  });

  test.each([
    ['icbc.com.cn', 'protected'],
    ['www.gov.cn', 'protected'],
    ['alipay.com', 'protected'],
    ['ocsp.digicert.com', 'protected'],
    ['10086.cn', 'protected'],
    ['windowsupdate.com', 'protected'],
    ['nhs.uk', 'publicSuffix'],
  ])('%s is held with nothing but what is bundled (%s)', async (name, code) => {
    const guard = createGuard({
      protectedNames: await namesOf('protected-names.txt'),
      popularNames: [],
      sharedHosts: [],
      approved: [],
    });
    expect(guard.check(name, 'subtree')?.guard).toBe(code);
  });

  test('no hosting platform is protected: what its customers run below it stays blockable', async () => {
    const names = new Set(await namesOf('protected-names.txt'));
    const platforms = [
      'amazonaws.com',
      'cloudfront.net',
      'herokuapp.com',
      'azurewebsites.net',
      'aliyuncs.com',
      'myqcloud.com',
    ];
    expect(platforms.filter((name) => names.has(name))).toEqual([]);
  });

  test('nothing is allowed until somebody allows it', async () => {
    expect(await namesOf('local-allow.txt')).toEqual([]);
  });

  test('the configuration is good, binds loopback only and finds its files', () => {
    const outcome = loadConfig(join(PROJECT_ROOT, 'blocklists/weir.yaml'));
    expect(outcome.kind).toBe('ok');
    if (outcome.kind !== 'ok') return;
    const { listen } = outcome.config;
    const hosts = [...listen.do53, listen.admin, listen.warningPageHttp].map((address) => address?.host);
    expect(hosts.filter((host) => host !== '127.0.0.1' && host !== '::1')).toEqual([]);
  });
});

test('hosts told apart by the path are written as the guard looks them up', () => {
  const written = ['docs.google.com', 'bit.ly', 'mp.weixin.qq.com', 't.cn'];
  expect(written.map((name) => normaliseName(name))).toEqual(
    written.map((name) => ({ kind: 'name', name, hasPath: false })),
  );
  expect(written.filter((name) => !isPathHost(name))).toEqual([]);
});
