import { describe, expect, it } from 'vitest';
import { CERTIFICATES_MAX, CertificateStore } from '../../../../src/control-plane/warning-page/certificate-store.ts';
import { LEAF_LIFE_MS, readAuthority } from '../../../../src/control-plane/warning-page/leaf-certificate.ts';
import { CA, fixture } from '../../../support/tls-fixture.ts';

const authority = readAuthority(CA, fixture('ca-key.pem'));

function storeOf(certificatesPerSecondMax: number) {
  const counts = { made: 0, refused: 0, nowMs: 1_000_000 };
  const store = new CertificateStore(
    authority,
    certificatesPerSecondMax,
    { onMade: () => counts.made++, onRefused: () => counts.refused++ },
    () => counts.nowMs,
  );
  return { store, counts };
}

describe('certificates for blocked names', () => {
  it('are made once a name, and again when half their life is over', () => {
    const { store, counts } = storeOf(10);
    const first = store.contextFor('bad.example');
    expect(store.contextFor('bad.example')).toBe(first);
    counts.nowMs += LEAF_LIFE_MS / 2 - 1;
    expect(store.contextFor('bad.example')).toBe(first);
    counts.nowMs += 1;
    expect(store.contextFor('bad.example')).not.toBe(first);
    expect([counts.made, counts.refused]).toEqual([2, 0]);
  });

  it('are not made faster than allowed; those there are go on being served', () => {
    const { store, counts } = storeOf(2);
    const kept = store.contextFor('a.example');
    store.contextFor('b.example');
    expect(store.contextFor('c.example')).toBeUndefined();
    expect(store.contextFor('a.example')).toBe(kept);
    counts.nowMs += 1000;
    expect(store.contextFor('c.example')).toBeDefined();
    expect([counts.made, counts.refused]).toEqual([3, 1]);
  });

  it('are kept in bounded number: the one that was used longest ago goes', () => {
    const { store, counts } = storeOf(10_000);
    for (let i = 0; i < CERTIFICATES_MAX; i++) store.contextFor(`n${i}.example`);
    store.contextFor('n0.example');
    store.contextFor('one-more.example');
    expect([store.size, counts.made]).toEqual([CERTIFICATES_MAX, CERTIFICATES_MAX + 1]);
    store.contextFor('n0.example');
    expect(counts.made).toBe(CERTIFICATES_MAX + 1);
    store.contextFor('n1.example');
    expect(counts.made).toBe(CERTIFICATES_MAX + 2);
  });
});
