import { describe, expect, it } from 'vitest';
import { resolverHeapMegabytes, resolverYoungMegabytes } from '../../../src/supervisor/resolver-heap.ts';
import { testConfig } from '../../support/resolver-harness.ts';

const config = testConfig();
const withCache = (bytesMax: number) => ({ ...config, cache: { ...config.cache, bytesMax } });

describe('the heap of a resolver thread', () => {
  it('is below two gigabytes by default, beyond which V8 collects seldom', () => {
    expect(resolverHeapMegabytes(withCache(64 * 1024 ** 2))).toBe(1536);
  });

  it('has room for whatever cache is configured', () => {
    expect(resolverHeapMegabytes(withCache(64 * 1024 ** 3))).toBeGreaterThan(64 * 1024);
  });

  it('has more room for what is young where queries come over HTTPS', () => {
    const listening = (doh: typeof config.listen.doh) => ({ listen: { ...config.listen, doh } });
    expect(resolverYoungMegabytes(listening([]))).toBe(6);
    expect(resolverYoungMegabytes(listening([{ host: '127.0.0.1', port: 443 }]))).toBe(24);
  });
});
