import { expect, test } from 'vitest';
import { listSourceHostsOf } from '../../../../src/control-plane/list-sync/list-source-hosts.ts';

test.each([
  ['https', 'https://Lists.Example/a?b', ['lists.example']],
  ['https', 'https://lists.example.:8443/a', ['lists.example']],
  ['https', 'https://例子.example/a', ['xn--fsqu00a.example']],
  ['feed', 'feed+https://Feeds.Example/fraud/', ['feeds.example']],
  ['https', 'https://192.0.2.1/a', []],
  ['https', 'https://[2001:db8::abcd]/a', []],
  ['file', '/lists/https://lists.example', []],
  ['push', 'push', []],
])('of a list by %s from %s: %j', (sourceKind, source, hosts) => {
  expect(listSourceHostsOf([{ sourceKind, source, proxy: '' }])).toEqual(hosts);
});

test('the proxy as well', () => {
  const list = { sourceKind: 'https', source: 'https://lists.example/a', proxy: 'http://Proxy.Example:3128' };
  expect(listSourceHostsOf([list, list])).toEqual(['lists.example', 'proxy.example']);
});
