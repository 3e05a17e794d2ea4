import { describe, expect, it } from 'vitest';
import { clientOctets } from '../../../src/policy/address.ts';
import { prefixCovers, readClientPrefix } from '../../../src/policy/client-prefix.ts';

describe('a prefix of clients', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', '11.0.0.1'],
    ['192.0.2.129/25', '192.0.2.128', '192.0.2.127'],
    ['192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['0.0.0.0/0', '203.0.113.9', '2001:db8::1'],
    ['2001:db8:1200::/39', '2001:db8:13ff::1', '2001:db8:1400::1'],
    ['::1', '::1', '::2'],
    ['::/0', '2001:db8::1', '203.0.113.9'],
  ])('%s covers %s and not %s', (text, inside, outside) => {
    const prefix = readClientPrefix(text)!;
    expect(prefixCovers(prefix, clientOctets(inside)!)).toBe(true);
    expect(prefixCovers(prefix, clientOctets(outside)!)).toBe(false);
  });

  it.each(['', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/-1', '::/129', 'fe80::1%eth0', '10.0.0/8', 'a/8'])(
    'is not %j',
    (text) => expect(readClientPrefix(text)).toBeUndefined(),
  );
});
