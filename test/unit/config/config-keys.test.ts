import { describe, expect, it } from 'vitest';
import { CONFIG_KEYS_TABLE, keysAt, suggestKey } from '../../../src/config/config-keys.ts';
import { LIST_FORMATS } from '../../../src/config/schema.ts';
import { FORMATS } from '../../../src/control-plane/list-sync/format/formats.ts';

describe('the table of configuration keys', () => {
  const rows = CONFIG_KEYS_TABLE();

  it('has every key of the documented configuration', () => {
    const keys = rows.map(({ key }) => key);
    for (const key of [
      'listen.do53',
      'listen.admin',
      'listen.warningPageHttp',
      'workers',
      'stateDirectory',
      'upstreams',
      'lists[].name',
      'lists[].source',
      'lists[].action',
      'allow',
      'protected',
      'popular',
      'sharedHosts',
      'sinkhole.addresses',
      'sinkhole.ttlSeconds',
      'tls.certificate',
      'clients.allow',
    ]) {
      expect(keys).toContain(key);
    }
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('describes each of them and shows its default', () => {
    expect(rows.filter(({ description }) => description === '')).toEqual([]);
    expect(rows.find(({ key }) => key === 'sinkhole.ttlSeconds')?.default).toBe('30');
    expect(rows.find(({ key }) => key === 'listen.do53')?.default).toBe('["127.0.0.1:1053","[::1]:1053"]');
    expect(rows.filter((row) => row.default === 'required').map(({ key }) => key)).toEqual([
      'lists[].name',
      'lists[].source',
      'lists[].rollout[].percent',
      'warningPage.hotlines[].number',
      'clients.groups[].name',
      'clients.groups[].prefixes',
    ]);
  });

  it('has its units in the names of numbers', () => {
    const bare = rows.filter(
      ({ key, default: value }) =>
        /^\d+$/.test(value) &&
        !/(?:Ms|[sS]econds|Days|Bytes|Percent)(?:Max|Min)?$|bytesMax|Max$|queriesMin$|sourcePorts|Bits$|slip$/.test(
          key,
        ) &&
        !/Seconds(?:Max|Min)$/.test(key),
    );
    expect(bare).toEqual([]);
  });
});

describe('the formats a list may name', () => {
  it('are those of the table of formats, and auto', () => {
    expect([...LIST_FORMATS].sort()).toEqual(['auto', ...FORMATS.map(({ name }) => name)].sort());
  });
});

describe('suggestions', () => {
  it('look among the keys of the place', () => {
    expect(keysAt(['sinkhole'])).toEqual(['addresses', 'ttlSeconds']);
    expect(keysAt(['lists', 3])).toContain('badLinesPercentMax');
    expect(keysAt(['nowhere', 'deep'])).toEqual([]);
    expect(keysAt(['workers'])).toEqual([]);
  });

  it('are close to what was written, or none', () => {
    const known = ['addresses', 'ttlSeconds', 'mode'];
    expect(suggestKey('adresses', known)).toBe('addresses');
    expect(suggestKey('ttl', known)).toBe('ttlSeconds');
    expect(suggestKey('MODE', known)).toBe('mode');
    expect(suggestKey('x', known)).toBeUndefined();
    expect(suggestKey('certificate', known)).toBeUndefined();
  });
});
